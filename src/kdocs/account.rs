//! Kdocs as the rest of the program sees it: what it is, and what can be done with a user's files.

use super::api::{Api, granted};
use super::config::{App, Config};
use super::doctor::examine;
use super::facts::Known;
use super::options::{CREDENTIALS, Flags, read};
use super::verify::verify;
use super::{Kdocs, probe};
use crate::cloud::doctor::Step;
use crate::cloud::probe::Observation;
use crate::cloud::token::{Grant, encoded, log_in};
use crate::cloud::{Account, Cloud, Login, Setup, Verify, invitation};
use crate::settings::Opt;
use crate::store::Store;
use crate::warning::{Kind, Warning};
use std::path::PathBuf;
use std::sync::Arc;

/// What the app may do with a user's files.
const SCOPE: &str = "access_personal_files,create_personal_files,download_personal_files,\
                     remove_personal_files";

/// What Kdocs is.
pub const CLOUD: Cloud = Cloud {
    name: "kdocs",
    about: "WPS Kdocs (金山文档), partly: deleting frees no space",
    options: Opt::of::<Flags>,
    credentials: &CREDENTIALS,
    ignores: &["bin", "reserve"],
    read: |settings, shared| {
        let (config, file) = read(settings, shared)?;
        Ok(Box::new(Named { config, file }))
    },
};

/// An app, and the file of the grant.
#[derive(Debug)]
struct Named {
    config: Config,
    file: PathBuf,
}

impl Setup for Named {
    fn summary(&self) -> String {
        let config = &self.config;
        let app = match config.app {
            App::Test => "a test app",
            App::Formal => "a formal app",
        };
        format!(
            "/{} at {} by {app}, deleted files go into the bin and free no space",
            config.shared.repo_path.path(),
            config.host
        )
    }

    fn secret_files(&self) -> Vec<PathBuf> {
        vec![self.file.clone()]
    }

    fn login(&self) -> Option<&dyn Login> {
        Some(self)
    }

    fn open(&self) -> Result<Box<dyn Account>, String> {
        let grant = Grant::open(&self.file)?;
        Ok(Box::new(Opened(Config {
            grant: Some(Arc::new(grant)),
            ..self.config.clone()
        })))
    }
}

impl Login for Named {
    fn invitation(&self, redirect: &str, mark: &str) -> Result<String, String> {
        let (host, id) = (&self.config.host, encoded(&self.config.app_id));
        let redirect = encoded(redirect);
        let address = format!(
            "{host}/h5/auth?app_id={id}&scope={SCOPE}&redirect_uri={redirect}&state={mark}"
        );
        let act = "Open this address in a browser, log in at Kdocs and agree:";
        Ok(invitation(act, &address))
    }

    fn finish(&self, code: &str, _redirect: &str) -> Result<String, String> {
        let api = Api::new(&self.config);
        log_in(&self.file, &api.client, |client| {
            granted(client, &self.config, code)
        })?;
        let file = self.file.display();
        Ok(format!(
            "logged in; the refresh token is in {file}; now run `restic-123pan doctor --probe`"
        ))
    }
}

/// A user's files in use.
struct Opened(Config);

impl Account for Opened {
    fn problems(&self) -> Vec<Warning> {
        let grant = self.0.grant.as_ref().and_then(|grant| grant.problem());
        let probe = Known::new(&self.0).for_upload(0).err();
        let probe = probe.map(|error| Warning::new(Kind::Setting, "probe", error.to_string()));
        let bin = "what is deleted lies in Kdocs' recycle bin, and frees no space until somebody \
                   empties it on the website; international accounts lose all files after 180 days \
                   without a sign-in";
        let bin = Warning::new(Kind::NoPurge, "", bin);
        grant.into_iter().chain(probe).chain([bin]).collect()
    }

    fn claim(&self) -> Result<(), String> {
        self.0.grant.as_ref().map_or(Ok(()), |grant| grant.claim())
    }

    fn state_file(&self, name: &str, extension: &str) -> Option<PathBuf> {
        self.0.state_file(name, extension)
    }

    fn store(&self) -> Result<Box<dyn Store>, String> {
        Ok(Box::new(Kdocs::new(&self.0)))
    }

    fn examine(&self, tell: &mut dyn FnMut(&Step)) -> bool {
        examine(&self.0, tell)
    }

    fn verify(&self) -> Option<Box<Verify<'_>>> {
        Some(Box::new(|repos, tell| verify(&self.0, repos, tell)))
    }

    fn probe(&self, tell: &mut dyn FnMut(&Observation)) -> Option<Result<String, String>> {
        Some(probe(&self.0, tell))
    }
}
