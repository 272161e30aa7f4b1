//! The program as a user runs it.

#[path = "../support/stub.rs"]
mod stub;

mod interactive;
mod outcome;
mod reading;
mod running;
mod usage;
mod watching;
