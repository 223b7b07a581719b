//! 123pan as the rest of the program sees it: what it is, and what can be done with an account.

use super::doctor::{self, examine};
use super::login::{authorization, log_in};
use super::options::{CREDENTIALS, Flags, read};
use super::verify::verify;
use super::{Config, Grant, Pan123, RecycleBin, probe};
use crate::cloud::doctor::{Step, StepResult};
use crate::cloud::finding::{Event, Report};
use crate::cloud::probe::Finding;
use crate::cloud::{
    Account, Cloud, Credential, Freed, Item, Listing, Login, Restored, Setup, Shared, Trash, Verify,
};
use crate::restic::Repo;
use crate::settings::{Opt, Settings};
use crate::store::{Error, Store};
use crate::warning::{Kind, Warning};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What 123pan is.
#[derive(Debug)]
pub struct Description;

impl Cloud for Description {
    fn name(&self) -> &'static str {
        "123pan"
    }

    fn about(&self) -> &'static str {
        "a 123pan (123云盘) account"
    }

    fn options(&self) -> Vec<Opt> {
        Opt::of::<Flags>()
    }

    fn credentials(&self) -> &'static [Credential] {
        &CREDENTIALS
    }

    fn read(&self, settings: &Settings<'_>, shared: &Shared) -> Result<Box<dyn Setup>, String> {
        let (config, file) = read(settings, shared)?;
        Ok(Box::new(Named { config, file }))
    }
}

/// An account, and the file of the grant if an OAuth app uses it.
#[derive(Debug)]
struct Named {
    config: Config,
    file: Option<PathBuf>,
}

impl Named {
    fn app(&self) -> Result<&Path, String> {
        let none = || "name the OAuth app with --oauth-client-id".to_owned();
        self.file.as_deref().ok_or_else(none)
    }
}

impl Setup for Named {
    fn summary(&self) -> String {
        let Config {
            repo_path,
            api_url,
            bin,
            rate_share,
            ..
        } = &self.config;
        let tier = self.config.tier;
        let tier = tier.map_or("auto".to_owned(), |tier| format!("{tier:?}"));
        let grant = self.file.as_ref().map_or(String::new(), |file| {
            format!(" by the OAuth grant in {}", file.display())
        });
        format!("/{repo_path} at {api_url}{grant}, bin {bin}, tier {tier}, rate share {rate_share}")
    }

    fn secret_files(&self) -> Vec<PathBuf> {
        self.file.iter().cloned().collect()
    }

    fn login(&self) -> Option<&dyn Login> {
        Some(self)
    }

    fn open(&self) -> Result<Box<dyn Account>, String> {
        let grant = self.file.as_deref().map(Grant::open).transpose()?;
        Ok(Box::new(Opened(Config {
            grant: grant.map(Arc::new),
            ..self.config.clone()
        })))
    }
}

impl Login for Named {
    fn invitation(&self, redirect: &str, mark: &str) -> Result<String, String> {
        self.app()?;
        let address = authorization(&self.config.client_id, redirect, mark);
        Ok(format!(
            "Open this address in a browser, log in at 123pan and agree (if there is no such page, \
             try yun.123pan.com in place of www.123pan.com):\n\n  {address}\n\n\
             The browser is then sent to the app's own address, with `code=...` in it; it doesn't \
             matter if that page can't be shown. Paste that address, or the code alone, within a \
             few minutes:"
        ))
    }

    fn finish(&self, code: &str, redirect: &str) -> Result<String, String> {
        let file = self.app()?;
        log_in(&self.config, file, code, redirect)?;
        let file = file.display();
        Ok(format!("logged in; the refresh token is in {file}"))
    }
}

/// An account in use.
struct Opened(Config);

impl Account for Opened {
    fn problems(&self) -> Vec<Warning> {
        let grant = self.0.grant.as_ref().and_then(|grant| grant.problem());
        let grant = grant.map(|text| Warning::new(Kind::Grant, "", text));
        let forgetful = self.0.state_dir.is_none().then(|| {
            let text = "there is no state directory, so that each start asks for a new access \
                        token; name one with --state-dir";
            Warning::new(Kind::StateFolder, "", text)
        });
        grant.into_iter().chain(forgetful).collect()
    }

    fn claim(&self) -> Result<(), String> {
        match self.0.grant.as_ref().filter(|grant| !grant.is_ours()) {
            None => Ok(()),
            Some(grant) => Err(format!(
                "{} is held by another process: one OAuth grant serves one server",
                grant.place()
            )),
        }
    }

    fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        self.0.state_file(name, extension)
    }

    fn store(&self) -> Result<Box<dyn Store>, String> {
        Ok(Box::new(Pan123::new(&self.0)))
    }

    fn credentials(&self) -> Option<StepResult> {
        Some(doctor::credentials(&self.0))
    }

    fn examine(&self, tell: &mut dyn FnMut(&Step)) -> bool {
        examine(&self.0, tell)
    }

    fn probe(&self, tell: &mut dyn FnMut(&Finding)) -> Option<Result<String, String>> {
        Some(probe(&self.0, tell))
    }

    fn trash(&self) -> Option<Box<dyn Trash>> {
        Some(Box::new(RecycleBin::open(&self.0)))
    }

    fn verify(&self) -> Option<&dyn Verify> {
        Some(self)
    }
}

impl Trash for RecycleBin {
    fn walk(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Listing, Error> {
        self.walk(progress)
    }

    fn purge(&self, items: &[&Item], progress: &dyn Fn(Freed)) -> (Freed, Result<(), Error>) {
        self.purge(items, progress)
    }

    fn purged_with(&self, wanted: &[&Item], all: &Listing) -> Result<u64, Error> {
        self.purged_with(wanted, all)
    }

    fn restore(&self, items: &[&Item], progress: &dyn Fn(usize)) -> (Restored, Result<(), Error>) {
        self.restore(items, progress)
    }

    fn about_folders(&self) -> &'static str {
        "folders are brought back on 123pan's website"
    }
}

impl Verify for Opened {
    fn verify(&self, repos: &[Repo], tell: &(dyn Fn(Event<'_>) + Sync)) -> Result<Report, Error> {
        verify(&self.0, repos, tell)
    }
}
