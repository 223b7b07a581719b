//! The store over 123pan, held against its contract and against each safety rule, on an emulator
//! in this process.

mod confirming;
mod contract;
mod locks;
mod rig;
mod writing;
