//! The parts of the program, each by itself; the program as a user runs it is tested in the folder
//! `tests` of the package.

#[path = "../../tests/support/stub.rs"]
mod stub;

mod automator;
mod pages;
mod server;
mod timeline;
