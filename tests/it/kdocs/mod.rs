//! WPS Kdocs: the store over its emulator, however that behaves, and the program over it.

mod budgets;
mod clients;
mod contract;
mod days;
mod deleting;
mod kills;
mod layouts;
mod matrix;
mod probing;
mod process;
mod reading;
mod rig;
mod verifying;
