//! What Kdocs must be told: the app, what the vendor has made of it, and its key.

use super::config::{App, Config};
use crate::cloud::{Credential, Shared};
use crate::settings::values::url;
use crate::settings::{Settings, variable};
use crate::units;
use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

/// What the command line doesn't take.
pub(super) const CREDENTIALS: [Credential; 1] = [Credential {
    name: "kdocs-app-key",
    about: "the app's key, from developer.kdocs.cn",
}];

/// The file of the refresh token in the state directory.
const FILE: &str = "kdocs-token.json";
/// Where the API is.
const HOST: &str = "https://developer.kdocs.cn";
/// The largest file that the probe tries unless another size is named: packs of restic's largest
/// usual size, 128 MiB, with some room.
const LARGEST: u64 = 150 << 20;

/// The options of Kdocs alone.
#[derive(FromArgs, ArgsInfo, Debug, Default)]
#[allow(rustdoc::bare_urls, reason = "--help shows them as they are")]
pub(super) struct Flags {
    /// the API's address; default https://developer.kdocs.cn
    #[argh(option, arg_name = "url")]
    kdocs_host: Option<String>,

    /// the app's id
    #[argh(option, arg_name = "id")]
    kdocs_app_id: Option<String>,

    /// what the app is: test, with 500 uploads a day, or formal, with 100000; default test
    #[argh(option, arg_name = "kind")]
    kdocs_app: Option<String>,

    /// the largest file that doctor --probe tries; default 150M
    #[argh(option, arg_name = "size")]
    kdocs_largest: Option<String>,
}

/// Reads the app, without its grant, and the file of the grant.
pub(super) fn read(settings: &Settings<'_>, shared: &Shared) -> Result<(Config, PathBuf), String> {
    let flags: Flags = settings.flags()?;
    let app_id = settings.value("kdocs-app-id", &flags.kdocs_app_id, |id| match id {
        "" => Err("write the app's id".to_owned()),
        id => Ok(id.to_owned()),
    })?;
    let app_key = settings.secret("kdocs-app-key")?.ok_or_else(|| {
        format!(
            "{} is missing: it stands beside the app's id on developer.kdocs.cn",
            variable("kdocs-app-key")
        )
    })?;
    let folder = shared.state_dir.as_ref();
    let folder = folder.ok_or("Kdocs needs a state directory; name one with --state-dir")?;
    let host = settings.optional("kdocs-host", &flags.kdocs_host, url)?;
    let app = settings.optional("kdocs-app", &flags.kdocs_app, app)?;
    let largest = settings.optional("kdocs-largest", &flags.kdocs_largest, units::size)?;
    let config = Config {
        host: host.unwrap_or_else(|| HOST.to_owned()),
        app_id,
        app_key,
        app: app.unwrap_or(App::Test),
        grant: None,
        largest: largest.unwrap_or(LARGEST),
        shared: shared.clone(),
    };
    Ok((config, folder.join(FILE)))
}

/// What the vendor has made of an app.
fn app(text: &str) -> Result<App, String> {
    match text {
        "test" => Ok(App::Test),
        "formal" => Ok(App::Formal),
        _ => Err("write test or formal".to_owned()),
    }
}
