//! `check-config`: what is to be said of a configuration that is right.

use crate::args::Config;
use crate::cloud::Account;

/// The warnings and the modes in force.
pub fn check(config: &Config, account: &dyn Account, warnings: &[String]) -> String {
    let problems = account.problems();
    let own = config.warnings.iter().chain(&problems);
    let warnings = warnings.iter().cloned().chain(own.map(ToString::to_string));
    let warnings: String = warnings.map(|text| format!("warning: {text}\n")).collect();
    let (listen, summary) = (config.listening(), config.summary());
    format!("{warnings}the configuration is right: listening on {listen}, {summary}\n")
}
