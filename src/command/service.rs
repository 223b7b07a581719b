//! The files with which service managers run the server, filled in from the table of options.
//! Packages and `make install` take them from here as well. What the dashboard shows is `grafana`'s.

use super::grafana;
use crate::args::{Service, Table};
use crate::cloud::Credential;
use crate::clouds;
use crate::settings::Opt;
use serde_json::Value;
use std::collections::HashSet;
use std::env;
use std::fmt::Write;

/// Options that the text of the router's configuration sets itself.
const SET: [&str; 2] = ["state-dir", "memory"];
/// Credentials of which the router's script knows more than their names.
const OWN: [&str; 3] = ["client-id", "client-secret", "oauth-client-secret"];
/// Options that the image sets, so that the file for several containers leaves them out.
const IMAGE: [&str; 3] = ["listen", "htpasswd-file", "state-dir"];
/// Gives copies of passwords, roles and the certificate to systemd's user, by a shell of root's; each dollar is doubled
/// for systemd. That user might put links into the folder, so nothing follows one.
const COPY: &str = "/bin/sh -c 'cd /etc/restic-123pan; to=$$RUNTIME_DIRECTORY; \
    for f in users roles cert.pem key.pem; do if [ -f $$f ]; then install -m 400 $$f $$to/$$f.new && \
    chown -h --reference=$$to $$to/$$f.new && mv -T $$to/$$f.new $$to/$$f; \
    else rm -f $$to/$$f; fi; done'";

/// Prints one of them.
pub fn service(table: &Table, asked: &Service) -> Result<String, String> {
    let mut options: Vec<&Opt> = table.settings().map(|(_, option)| option).collect();
    // An option that several clouds share stands once.
    let mut seen = HashSet::new();
    options.retain(|option| seen.insert(&option.name));
    let text = match asked.kind.as_str() {
        "systemd" => include_str!("../templates/systemd.service").replace("@COPY@", COPY),
        "systemd-socket" => include_str!("../templates/systemd.socket").to_owned(),
        "openwrt" => openwrt(&options),
        "openwrt-config" => fill(include_str!("../templates/openwrt.config"), &options, uci)
            .replace(
                "@SECRETS@\n",
                &secrets().map(uci_secret).collect::<String>(),
            ),
        "openrc" => include_str!("../templates/openrc.init").to_owned(),
        "launchd" => include_str!("../templates/launchd.plist").replace(
            "@HOME@",
            &env::var("HOME").unwrap_or("/var/root".to_owned()),
        ),
        "container" => include_str!("../templates/Containerfile").to_owned(),
        "compose" => fill(include_str!("../templates/compose.yaml"), &options, entry)
            .replace("@VERSION@", env!("CARGO_PKG_VERSION")),
        "grafana" => grafana::dashboard(),
        _ => fill(include_str!("../templates/options"), &options, assignment),
    };
    Ok(text.replace("@PROGRAM@", &program(asked)?))
}

/// The path of the program that the files name: this one, unless another was given.
fn program(asked: &Service) -> Result<String, String> {
    let path = match &asked.program {
        Some(path) => path.clone(),
        None => env::current_exe()
            .map_err(|error| format!("name --program: {error}"))?
            .display()
            .to_string(),
    };
    // It is written without quotes into five kinds of files.
    let odd = |c: char| !c.is_ascii_alphanumeric() && !"/._+-".contains(c);
    match path.starts_with('/') && !path.contains(odd) {
        true => Ok(path),
        false => Err(format!(
            "{path:?} isn't a plain path; name one with --program"
        )),
    }
}

fn openwrt(options: &[&Opt]) -> String {
    let names = |switch: bool| -> String {
        let of_kind = options
            .iter()
            .filter(|option| option.value.is_none() == switch);
        let names: Vec<String> = of_kind.map(|option| underscored(&option.name)).collect();
        names.join(" ")
    };
    let others: Vec<String> = secrets().map(|secret| underscored(secret.name)).collect();
    include_str!("../templates/openwrt.init")
        .replace("@OPTIONS@", &names(false))
        .replace("@SWITCHES@", &names(true))
        .replace("@SECRETS@", &others.join(" "))
}

/// What clouds must be told besides options, but for what has its place in the text.
fn secrets() -> impl Iterator<Item = &'static Credential> {
    let all = clouds::ALL.iter().flat_map(|cloud| cloud.credentials);
    all.filter(|credential| !OWN.contains(&credential.name))
}

fn uci_secret(secret: &Credential) -> String {
    let name = underscored(secret.name);
    let file = format!("/etc/restic-123pan/{name}");
    format!(
        "\n\t# {}, in a file\n\t#option {name}_file '{file}'\n",
        secret.about
    )
}

/// Puts a paragraph for each option into a template.
fn fill(template: &str, options: &[&Opt], paragraph: fn(&Opt) -> String) -> String {
    let all: String = options.iter().map(|option| paragraph(option)).collect();
    template.replace("@OPTIONS@\n", &all)
}

fn uci(option: &Opt) -> String {
    let mut text = String::new();
    let value = default(option);
    if !SET.contains(&option.name.as_str()) {
        let name = underscored(&option.name);
        let _ = write!(text, "\n\t# {}\n\t#option {name} '{value}'\n", option.about);
    }
    text
}

fn assignment(option: &Opt) -> String {
    let variable = option.variable();
    format!("\n# {}\n#{variable}={}\n", option.about, default(option))
}

/// A variable in YAML, where a text in JSON is one as well.
fn entry(option: &Opt) -> String {
    let (variable, value) = (option.variable(), default(option));
    match IMAGE.contains(&option.name.as_str()) {
        true => String::new(),
        false => format!(
            "      # {}\n      #{variable}: {}\n",
            option.about,
            Value::from(value)
        ),
    }
}

/// What an option is without being set, as an example to be changed.
fn default(option: &Opt) -> &str {
    match option.value {
        Some(_) => option.default.as_deref().unwrap_or_default(),
        None => "1",
    }
}

fn underscored(name: &str) -> String {
    name.replace('-', "_")
}
