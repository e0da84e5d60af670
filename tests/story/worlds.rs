//! Hidden and absent cannot be told apart.
