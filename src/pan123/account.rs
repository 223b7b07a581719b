//! 123pan as the rest of the program sees it: what it is, and what can be done with an account.

use super::api::{Api, tokens::granted};
use super::doctor::{self, examine};
use super::options::{CREDENTIALS, Flags, read};
use super::verify::verify;
use super::{Config, Grant, Pan123, RecycleBin, probe};
use crate::cloud::doctor::{Step, StepResult};
use crate::cloud::probe::Observation;
use crate::cloud::token::{encoded, log_in};
use crate::cloud::{Account, Cloud, Login, Setup, Trash, Verify, invitation};
use crate::settings::Opt;
use crate::store::Store;
use crate::warning::{Kind, Warning};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the app may do: the only value that is documented (API reference 3.2).
const SCOPE: &str = "user:base,file:all:read,file:all:write";

/// What 123pan is.
pub const CLOUD: Cloud = Cloud {
    name: "123pan",
    about: "a 123pan (123云盘) account",
    options: Opt::of::<Flags>,
    credentials: &CREDENTIALS,
    ignores: &[],
    read: |settings, shared| {
        let (config, file) = read(settings, shared)?;
        Ok(Box::new(Named { config, file }))
    },
};

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
            api_url, shared, ..
        } = &self.config;
        let (path, bin, share) = (shared.repo_path.path(), shared.bin, shared.rate_share);
        let tier = self.config.tier;
        let tier = tier.map_or("auto".to_owned(), |tier| format!("{tier:?}"));
        let grant = self.file.as_ref().map_or(String::new(), |file| {
            format!(" by the OAuth grant in {}", file.display())
        });
        format!("/{path} at {api_url}{grant}, bin {bin}, tier {tier}, rate share {share}")
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
        let (id, redirect) = (encoded(self.config.client_id.reveal()), encoded(redirect));
        let address = format!(
            "https://www.123pan.com/auth?client_id={id}&redirect_uri={redirect}&scope={SCOPE}\
             &state={mark}"
        );
        // It is documented there; since the middle of 2026 others were sent to the other one.
        let act = "Open this address in a browser, log in at 123pan and agree (if there is no such page, try yun.123pan.com in \
                   place of www.123pan.com):";
        Ok(invitation(act, &address))
    }

    fn finish(&self, code: &str, redirect: &str) -> Result<String, String> {
        let (file, api) = (self.app()?, Api::new(&self.config));
        let app = (&self.config.client_id, &self.config.client_secret);
        let kind = ("grant_type", "authorization_code");
        let got = [kind, ("code", code), ("redirect_uri", redirect)];
        log_in(file, &api.client, |client| granted(client, app, &got))?;
        let file = file.display();
        Ok(format!("logged in; the refresh token is in {file}"))
    }
}

/// An account in use.
struct Opened(Config);

impl Account for Opened {
    fn problems(&self) -> Vec<Warning> {
        let grant = self.0.grant.as_ref().and_then(|grant| grant.problem());
        let forgetful = self.0.shared.state_dir.is_none().then(|| {
            let text = "there is no state directory, so that each start asks for a new access \
                        token; name one with --state-dir";
            Warning::new(Kind::StateFolder, "", text)
        });
        grant.into_iter().chain(forgetful).collect()
    }

    fn claim(&self) -> Result<(), String> {
        self.0.grant.as_ref().map_or(Ok(()), |grant| grant.claim())
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

    fn probe(&self, tell: &mut dyn FnMut(&Observation)) -> Option<Result<String, String>> {
        Some(probe(&self.0, tell))
    }

    fn trash(&self) -> Option<Box<dyn Trash>> {
        Some(Box::new(RecycleBin::open(&self.0)))
    }

    fn verify(&self) -> Option<Box<Verify<'_>>> {
        Some(Box::new(|repos, tell| verify(&self.0, repos, tell)))
    }
}
