//! The pages in OpenWrt's LuCI: their JavaScript, run by Node over a stand-in for LuCI, offers every
//! option, speaks Chinese, may do what it does and nothing more, and shows what a server says.

use super::{PROGRAM, printed, run, settings};
use crate::rig::Rig;
use crate::tools::tool;
use crate::tree::TempDir;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/device/luci.js");
/// The command that tells the form which options there are, and the one for the status.
const DESCRIBE: &str = "/usr/bin/restic-123pan service openwrt-config";
const STATUS: &str = "/usr/libexec/restic-123pan-status";

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/packages/luci")
        .join(path)
}

fn view(name: &str) -> PathBuf {
    let folder = source("files/www/luci-static/resources/view/restic-123pan");
    folder.join(format!("{name}.js"))
}

fn parsed(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(source(path)).unwrap()).unwrap()
}

/// The catalogue of the Chinese texts, as packages have it.
fn catalogue(dir: &Path) -> PathBuf {
    let mut make = Command::new(source("po2lmo"));
    let output = make.arg(source("po/zh_Hans.po")).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    let path = dir.join("zh-cn.lmo");
    fs::write(&path, output.stdout).unwrap();
    path
}

/// What comes of a view in a language, with these commands' answers; None without Node.
fn shown(name: &str, chinese: bool, more: &Value) -> Option<Value> {
    let (node, _) = (tool("node")?, tool("perl")?);
    let dir = TempDir::new();
    let mut story = json!({
        "view": view(name),
        "uci": {"main": {"enabled": "1", "listen": "192.168.1.1:8000"}},
        "exec": {DESCRIBE: {"code": 0, "stdout": printed(&["service", "openwrt-config"])}},
    });
    let (story_map, more) = (story.as_object_mut().unwrap(), more.as_object().unwrap());
    story_map.extend(more.clone());
    if chinese {
        story["lang"] = "zh-cn".into();
        story["lmo"] = json!(catalogue(dir.path()));
    }
    let path = dir.path().join("story.json");
    fs::write(&path, story.to_string()).unwrap();
    let result = run(Command::new(node).arg(STAND_IN).arg(&path));
    Some(serde_json::from_str(&result).unwrap())
}

fn texts(value: &Value) -> Vec<&str> {
    let all = value.as_array().unwrap().iter();
    all.map(|text| text.as_str().unwrap()).collect()
}

fn option<'v>(result: &'v Value, name: &str) -> &'v Value {
    let all = result["options"].as_array().unwrap();
    let found = all.iter().find(|option| option["name"] == name);
    found.unwrap_or_else(|| panic!("{name} isn't in the form"))
}

#[test]
fn the_form_has_every_option() {
    let Some(result) = shown("servers", false, &json!({})) else {
        return;
    };
    assert_eq!(result["config"], "restic-123pan");
    let script = printed(&["service", "openwrt"]);
    let switches = script.lines().find_map(|l| l.strip_prefix("SWITCHES=\""));
    let switches: Vec<&str> = switches.unwrap().trim_end_matches('"').split(' ').collect();
    for name in settings() {
        let name = name.replace('-', "_");
        let found = option(&result, &name);
        let kind = match name.as_str() {
            "listen" | "host" => "DynamicList",
            name if switches.contains(&name) => "Flag",
            _ => "Value",
        };
        assert_eq!(found["kind"], kind, "{name}");
        assert!(!found["title"].as_str().unwrap().is_empty());
        assert!(!found["description"].as_str().unwrap().is_empty());
    }
    // What the script reads besides.
    for name in [
        "enabled",
        "log",
        "client_id",
        "client_secret",
        "client_id_file",
    ] {
        option(&result, name);
    }
    let mut names: Vec<_> = result["options"].as_array().unwrap().iter().collect();
    names.sort_by_key(|option| option["name"].as_str().unwrap());
    names.dedup_by_key(|option| option["name"].as_str().unwrap());
    assert_eq!(names.len(), result["options"].as_array().unwrap().len());
    let hidden = |name: &str| option(&result, name)["password"] == true;
    assert!(hidden("client_secret") && hidden("status_password") && !hidden("client_id"));
    let words = |name: &str| texts(&option(&result, name)["words"]).join(" ");
    let help = printed(&["--help"]);
    assert!(help.contains("--cloud"), "{help}");
    assert!(words("cloud").starts_with("123pan"), "{}", words("cloud"));
    assert!(words("cloud").split(' ').any(|cloud| cloud == "local"));
    assert_eq!(words("tier"), "auto free vip oauth");
    assert_eq!(words("listen"), "");
    assert_eq!(option(&result, "uploads")["placeholder"], "8");
}

#[test]
fn what_is_typed_is_checked_and_kept() {
    let uci = json!({
        "main": {"cloud": "local", "client_id": "kept", "listen": ":1"},
        "other": {},
    });
    let typed = json!({
        "main": {"local_dir": "/mnt/disk", "memory": "8M", "listen": ""},
        "other": {"memory": "lots", "workers": "many", "rate_share": "0.5", "append_only": "1"},
    });
    let Some(result) = shown("servers", false, &json!({"uci": uci, "typed": typed})) else {
        return;
    };
    assert_eq!(
        result["saved"]["main"],
        json!({"cloud": "local", "client_id": "kept", "local_dir": "/mnt/disk", "memory": "8M"})
    );
    let errors = texts(&result["errors"]).join("\n");
    assert!(errors.contains("other.memory: Write a size"), "{errors}");
    assert!(errors.contains("other.workers: uinteger"), "{errors}");
    assert_eq!(errors.lines().count(), 2, "{errors}");
    let html = result["html"].as_str().unwrap();
    let main = html.split("<h3>other").next().unwrap();
    assert!(main.contains("name=\"local_dir\""), "{main}");
    assert!(!main.contains("name=\"client_id\""), "{main}");
}

/// What a page says in Chinese, and what it asked for in vain.
#[test]
fn the_chinese_pages_are_all_chinese() {
    let status = json!({"main": sample("laptop")}).to_string();
    let exec = json!({
        DESCRIBE: {"code": 0, "stdout": printed(&["service", "openwrt-config"])},
        STATUS: {"code": 0, "stdout": status},
    });
    for name in ["servers", "status"] {
        let Some(result) = shown(name, true, &json!({"exec": exec})) else {
            return;
        };
        let mut left: BTreeSet<&str> = texts(&result["untranslated"]).into_iter().collect();
        // The program's own name is what it is in every language.
        left.remove("restic-123pan");
        assert!(left.is_empty(), "po/zh_Hans.po lacks these: {left:#?}");
        let html = result["html"].as_str().unwrap();
        let expected = if name == "servers" {
            "监听地址"
        } else {
            "最近快照"
        };
        assert!(html.contains(expected), "{html}");
    }
    let menu = parsed("files/usr/share/luci/menu.d/luci-app-restic-123pan.json");
    let acl = parsed("files/usr/share/rpcd/acl.d/luci-app-restic-123pan.json");
    let po = fs::read_to_string(source("po/zh_Hans.po")).unwrap();
    let titles = menu
        .as_object()
        .unwrap()
        .values()
        .map(|entry| &entry["title"]);
    let about = &acl["luci-app-restic-123pan"]["description"];
    for title in titles
        .chain([about])
        .filter(|title| *title != "restic-123pan")
    {
        assert!(po.contains(&format!("msgid {title}\n")), "{title}");
    }
}

/// A server's own words, with what might be a script in the name of a repository.
fn sample(repo: &str) -> Value {
    json!({
        "version": "1.2.3", "now": 1000, "started": 100,
        "repositories": [{"name": repo, "last_snapshot": 900}, {"name": "/new"}],
        "transfers": [{}, {}],
        "warnings": [{"last": 990, "text": "<b>careful</b>"}],
        "cloud": {
            "cloud": "123pan", "reachable": false,
            "account": {"used": 3_u64 << 30, "total": 4_u64 << 40},
            "troubles": [
                {"text": "it is full", "over": false, "advice": {"en": "free some", "zh": "请清理"}},
                {"text": "it was slow", "over": true, "advice": {"en": "wait", "zh": "等"}},
            ],
        },
    })
}

#[test]
fn the_status_is_shown_as_text() {
    let all = json!({"main": sample("<img src=x>"), "second": {"error": "<i>no</i>"}});
    let exec = json!({STATUS: {"code": 0, "stdout": all.to_string()}});
    for (chinese, advice) in [
        (false, "it is full; free some"),
        (true, "it is full; 请清理"),
    ] {
        let Some(result) = shown("status", chinese, &json!({"exec": exec})) else {
            return;
        };
        let html = result["html"].as_str().unwrap();
        for text in [
            "1.2.3",
            "&lt;img src=x&gt;",
            "&lt;b&gt;careful",
            "&lt;i&gt;no",
            "3.0 GiB",
            "4.0 TiB",
            "/new",
            advice,
        ] {
            assert!(html.contains(text), "{text} isn't in\n{html}");
        }
        assert!(!html.contains("it was slow"), "{html}");
        assert!(!html.contains("<img") && !html.contains("<b>"), "{html}");
        assert_eq!(result["polls"], json!([5]));
        assert_eq!(result["buttons"], false);
    }
}

/// The pages do what their rights allow, and their rights allow nothing that they don't do.
#[test]
fn the_rights_are_what_the_pages_need() {
    let acl = parsed("files/usr/share/rpcd/acl.d/luci-app-restic-123pan.json");
    let exec = json!({
        DESCRIBE: {"code": 0, "stdout": printed(&["service", "openwrt-config"])},
        STATUS: {"code": 0, "stdout": "{}"},
    });
    let mut calls = BTreeSet::new();
    for name in ["servers", "status"] {
        let Some(result) = shown(name, false, &json!({"exec": exec})) else {
            return;
        };
        calls.extend(texts(&result["calls"]).into_iter().map(str::to_owned));
    }
    let rights = acl["luci-app-restic-123pan"].as_object().unwrap();
    assert_eq!(acl.as_object().unwrap().len(), 1);
    let files = rights["read"]["file"].as_object().unwrap();
    let allowed: BTreeSet<String> = files.keys().cloned().collect();
    assert_eq!(calls, allowed);
    assert!(allowed.iter().all(|command| !command.contains(['*', '?'])));
    assert!(
        files.values().all(|how| *how == json!(["exec"])),
        "{files:?}"
    );
    let uci = json!(["restic-123pan"]);
    assert_eq!(rights["write"], json!({"uci": uci}));
    assert_eq!(rights["read"]["uci"], uci);
    assert_eq!(rights["read"].as_object().unwrap().len(), 2);

    let menu = parsed("files/usr/share/luci/menu.d/luci-app-restic-123pan.json");
    for (place, entry) in menu.as_object().unwrap() {
        match entry["action"]["path"].as_str() {
            Some(path) => {
                let name = path.strip_prefix("restic-123pan/").unwrap();
                assert!(view(name).exists(), "{path}");
            }
            None => assert_eq!(
                entry["depends"]["acl"],
                json!(["luci-app-restic-123pan"]),
                "{place}"
            ),
        }
    }
}

/// The helper asks real servers, under each shell that there is.
#[test]
fn the_helper_asks_every_enabled_server() {
    let rig = Rig::start(&[]);
    let dir = TempDir::new();
    let stub = include_str!("rc.common");
    let functions = stub.split("procd_open_instance()").next().unwrap();
    let functions = functions.replace("FOLDER=$1", &format!("FOLDER={}", dir.path().display()));
    fs::write(dir.path().join("functions.sh"), functions).unwrap();
    let config = format!(
        "config server 'main'\n\toption enabled '1'\n\toption listen '{}'\n\
         config server 'off'\n\toption listen '127.0.0.1:1'\n\
         config server 'gone'\n\toption enabled '1'\n\toption listen '127.0.0.1:1'\n",
        rig.address()
    );
    fs::write(dir.path().join("config"), config).unwrap();
    let script = fs::read_to_string(source("files/usr/libexec/restic-123pan-status")).unwrap();
    let here = |name: &str| dir.path().join(name).display().to_string();
    let script = script
        .replace("/lib/functions.sh", &here("functions.sh"))
        .replace("/usr/bin/restic-123pan", PROGRAM)
        .replace("/var/run/", &here("run-"));
    fs::write(dir.path().join("script"), script).unwrap();
    for shell in [&["sh"][..], &["busybox", "ash"]] {
        if tool(shell[0]).is_none() {
            continue;
        }
        let mut command = Command::new(shell[0]);
        let said = run(command.args(&shell[1..]).arg(dir.path().join("script")));
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["main"]["version"], env!("CARGO_PKG_VERSION"), "{said}");
        assert_eq!(said["off"], Value::Null, "{said}");
        let error = said["gone"]["error"].as_str().unwrap();
        assert!(error.contains("127.0.0.1:1"), "{error}");
        let story = json!({"exec": {STATUS: {"code": 0, "stdout": said.to_string()}}});
        if let Some(result) = shown("status", false, &story) {
            let html = result["html"].as_str().unwrap();
            assert!(
                html.contains(env!("CARGO_PKG_VERSION")) && html.contains(error),
                "{html}"
            );
        }
    }
}
