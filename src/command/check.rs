//! `check-config`: what is to be said of a configuration that is right.

use crate::args::Config;
use crate::cloud::Account;
use crate::cloud::doctor::Problem;

/// The warnings and the modes in force.
pub fn check(config: &Config, account: &dyn Account, warnings: &[String]) -> String {
    let problems = account.problems();
    let own = config.warnings.iter().chain(&problems);
    let warnings = warnings.iter().cloned().chain(own.map(ToString::to_string));
    let warnings: String = warnings.map(|text| format!("warning: {text}\n")).collect();
    let (listen, summary) = (config.listening(), config.summary());
    warnings + &format!("the configuration is right: listening on {listen}, {summary}\n")
}

/// Asks the cloud whether it takes the credentials; an Err says why it doesn't, and what to do.
pub fn online(config: &Config, account: &dyn Account) -> Result<String, String> {
    let cloud = config.cloud;
    match account.credentials() {
        None => Ok(format!("the {cloud} cloud asks for no credentials\n")),
        Some(Ok(found)) => Ok(format!("{cloud} takes the credentials: {found}\n")),
        Some(Err(Problem { text, advice })) => Err(format!("{text}; {advice}")),
    }
}
