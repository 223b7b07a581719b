//! Several servers over one repository, each on a machine of its own: they know of each other by
//! the cloud alone.

mod churn;
mod locking;
mod seeing;
mod twins;
