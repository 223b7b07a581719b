//! Commands beside a service: they use its settings where nobody names others, and say so. What
//! the command line and the environment say wins, one by one; whoever names an account there means
//! that one alone.

use super::line::Line;
use super::table::{Command, Part, Table, USUAL};
use crate::settings::service::find;
use crate::settings::{Opt, Variables, variable};
use std::path::Path;

/// Commands that use a service's settings besides those about an account.
const OTHERS: [&str; 2] = ["status", "passwd"];

/// The variables with those of the service of this machine behind them, and whose these are.
pub(super) fn joined(
    table: &Table,
    command: Option<&Command>,
    line: &Line,
    variables: &Variables,
    root: &Path,
) -> (Variables, Option<String>) {
    let alone = || (variables.clone(), None);
    if line.help || !command.is_some_and(shares) || names_account(table, line, variables) {
        return alone();
    }
    let credentials: Vec<String> = Table::credentials().collect();
    let credentials: Vec<&str> = (credentials.iter().map(String::as_str))
        .filter(|name| !name.ends_with("-file"))
        .collect();
    match find(root, &credentials) {
        Ok(Some((mut its, place))) if !other_cloud(line, variables, &its) => {
            let set = variables.iter().filter(|(_, value)| !value.is_empty());
            its.extend(set.map(|(name, value)| (name.clone(), value.clone())));
            (its, Some(format!("using the settings of {place}")))
        }
        Ok(_) => alone(),
        Err(path) => {
            let text = format!(
                "the settings of this machine's service aren't used, because this user may not \
                 read {path}; use sudo"
            );
            (variables.clone(), Some(text))
        }
    }
}

fn shares(command: &Command) -> bool {
    let name = command.name.as_str();
    name != USUAL && (command.takes(Part::Using) || OTHERS.contains(&name))
}

/// Whether an account is named here, or a file that may name one.
fn names_account(table: &Table, line: &Line, variables: &Variables) -> bool {
    let is_one = |name: &str| name == "config" || name.ends_with("client-id");
    let credentials = Table::credentials().map(|name| variable(&name));
    let options = table.settings().map(|(_, option)| option);
    let options = options.filter(|option| is_one(&option.name));
    let options = options.map(Opt::variable);
    let set = |name: String| variables.get(&name).is_some_and(|value| !value.is_empty());
    line.options.iter().any(|(name, _)| is_one(name)) || credentials.chain(options).any(set)
}

/// Whether another cloud is named here than the service has.
fn other_cloud(line: &Line, variables: &Variables, its: &Variables) -> bool {
    let key = variable("cloud");
    let option = line.options.iter().rev().find(|(name, _)| name == "cloud");
    let option = option.and_then(|(_, value)| value.as_ref());
    let named = option
        .or_else(|| variables.get(&key))
        .filter(|name| !name.is_empty());
    let usual = crate::clouds::ALL[0].name;
    named.is_some_and(|name| *name != its.get(&key).map_or(usual, String::as_str))
}
