//! Restarts and losses of power: the server's own binary is killed at every step of what it does,
//! and started where nothing is as it should be yet.

mod boot;
mod calls;
mod disk;
mod machine;
mod writes;
