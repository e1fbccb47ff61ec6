//! Prints programs and functions.
