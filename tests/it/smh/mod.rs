//! The store over Tencent SMH, on an emulated library.

mod contract;
pub(crate) mod rig;
