//! Tencent SMH as the rest of the program sees it: what it is, and what can be done with a space.

use super::bin::RecycleBin;
use super::checks::Checks;
use super::doctor::{self, examine};
use super::options::{CREDENTIALS, Flags, read};
use super::verify::verify;
use super::{Config, Smh, probe};
use crate::cloud::doctor::{Problem, Step, StepResult};
use crate::cloud::probe::Observation;
use crate::cloud::{Account, Cloud, Setup, Trash, Verify};
use crate::settings::Opt;
use crate::settings::values::Bin;
use crate::store::Store;
use crate::sync::lock;
use crate::warning::{Kind, Warning};
use std::path::PathBuf;
use std::sync::Mutex;

/// What Tencent SMH is.
pub const CLOUD: Cloud = Cloud {
    name: "smh",
    about: "a library of Tencent's Smart Media Hosting (媒体托管)",
    options: Opt::of::<Flags>,
    credentials: &CREDENTIALS,
    ignores: &[],
    read: |settings, shared| Ok(Box::new(Named(read(settings, shared)?))),
};

/// A library's space.
#[derive(Debug)]
struct Named(Config);

impl Setup for Named {
    fn summary(&self) -> String {
        let config = &self.0;
        let bin = match config.shared.bin {
            Bin::Purge => "deleted files are gone",
            _ => "deleted files go into the library's bin if it is on",
        };
        format!(
            "/{} in space {} at {}, {bin}, rate share {}",
            config.shared.repo_path.path(),
            config.space,
            config.host,
            config.shared.rate_share
        )
    }

    fn open(&self) -> Result<Box<dyn Account>, String> {
        Ok(Box::new(Opened {
            config: self.0.clone(),
            warning: Mutex::default(),
        }))
    }
}

/// A space in use.
struct Opened {
    config: Config,
    /// What was found when it was looked at.
    warning: Mutex<Option<Problem>>,
}

impl Account for Opened {
    fn problems(&self) -> Vec<Warning> {
        let warning = lock(&self.warning);
        let told = |problem: &Problem| Warning::new(Kind::Setting, "smh", sentence(problem));
        warning.iter().map(told).collect()
    }

    /// Any number of servers may use a library, but not every library can be used.
    fn claim(&self) -> Result<(), String> {
        let (refusal, warning) = Checks::new(&self.config).verdict();
        *lock(&self.warning) = warning;
        refusal.map_or(Ok(()), |problem| Err(sentence(&problem)))
    }

    fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        self.config.state_file(name, extension)
    }

    fn store(&self) -> Result<Box<dyn Store>, String> {
        Ok(Box::new(Smh::new(&self.config)))
    }

    fn credentials(&self) -> Option<StepResult> {
        Some(doctor::credentials(&self.config))
    }

    fn examine(&self, tell: &mut dyn FnMut(&Step)) -> bool {
        examine(&self.config, tell)
    }

    fn probe(&self, tell: &mut dyn FnMut(&Observation)) -> Option<Result<String, String>> {
        Some(probe(&self.config, tell))
    }

    fn trash(&self) -> Option<Box<dyn Trash>> {
        Some(Box::new(RecycleBin::open(&self.config)))
    }

    fn verify(&self) -> Option<Box<Verify<'_>>> {
        Some(Box::new(|repos, tell| verify(&self.config, repos, tell)))
    }
}

fn sentence(problem: &Problem) -> String {
    format!("{}; {}", problem.text, problem.advice)
}
