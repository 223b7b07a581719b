//! A walk through what a backup needs of Kdocs. Nothing is uploaded: what is tried out is the probe's.

use super::api::Api;
use super::config::Config;
use super::facts::Known;
use crate::cloud::doctor::{self, Problem, Step, StepResult, Walk, timing};
use crate::cloud::{Priority, Reason};
use crate::units::bytes;

/// Walks through everything and tells of each step; false if one of them failed.
pub fn examine(config: &Config, tell: &mut dyn FnMut(&Step)) -> bool {
    let mut config = config.clone();
    config.shared.timing = timing();
    let doctor = Doctor {
        api: Api::new(&config),
        config,
    };
    let mut walk = Walk::new(doctor, tell);
    walk.step("state directory", |d| {
        doctor::state(
            d.config.shared.state_dir.as_deref(),
            "name one with --state-dir",
        )
    });
    if !walk.reach(|d| &d.api.client) {
        return false;
    }
    walk.step("list", Doctor::list);
    walk.step("calls of the day", Doctor::budgets);
    walk.step("probe", Doctor::facts);
    walk.good
}

struct Doctor {
    api: Api,
    config: Config,
}

impl Doctor {
    /// Lists the app's own folder.
    fn list(&mut self) -> StepResult {
        match self.api.list("", 0, None, Priority::Small) {
            Ok(page) => Ok(format!("{} things in the app's folder", page.files.len())),
            Err(fault) if fault.reason == Reason::NoFile => {
                Ok("the app's folder comes with its first file".to_owned())
            }
            Err(fault) => Err(Problem::of(&fault, &self.api.client)),
        }
    }

    /// What is left of the day.
    fn budgets(&mut self) -> StepResult {
        let each = self.api.budgets.state().into_iter();
        let each = each.map(|(name, used, all)| format!("{used} of {all} {name}"));
        let all: Vec<String> = each.collect();
        Ok(format!("used: {}", all.join(", ")))
    }

    /// Whether the probe was made.
    fn facts(&mut self) -> StepResult {
        let advice = "run `restic-123pan doctor --probe`: until then nothing is uploaded";
        match Known::new(&self.config).for_upload(0) {
            Ok(facts) => Ok(format!("files up to {}", bytes(facts.largest))),
            Err(error) => Err(Problem::new(error.to_string(), advice)),
        }
    }
}
