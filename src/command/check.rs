//! `check-config`: what is to be said of a configuration that is right.

use crate::args::Config;

/// The warnings and the modes in force.
pub fn check(config: &Config) -> String {
    let warnings = config.warnings.iter();
    let warnings: String = warnings.map(|text| format!("warning: {text}\n")).collect();
    let (listen, summary) = (&config.listen, config.summary());
    format!("{warnings}the configuration is right: listening on {listen}, {summary}\n")
}
