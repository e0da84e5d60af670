//! The XHTML of a narrative, held to what is safe to show (R4 `narrative.html`, txt-1 and txt-2).
