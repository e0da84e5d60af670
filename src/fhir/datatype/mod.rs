//! Data types parsed and compared: the few that rules and search look into (R4 `datatypes.html`).
