//! `check-config`: what is to be said of a configuration that is right.

use crate::args::Config;
use crate::pan123;

/// The warnings and the modes in force.
pub fn check(config: &Config, account: &pan123::Config) -> String {
    let problem = account.grant.as_ref().and_then(|grant| grant.problem());
    let warnings = config.warnings.iter().chain(&problem);
    let warnings: String = warnings.map(|text| format!("warning: {text}\n")).collect();
    let (listen, summary) = (config.listening(), config.summary());
    format!("{warnings}the configuration is right: listening on {listen}, {summary}\n")
}
