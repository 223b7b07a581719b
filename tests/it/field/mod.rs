//! What people meet in the field: slow lines, several clients at once, files written elsewhere,
//! readers that stand still.

mod files;
mod pacing;
mod races;
mod reasons;
