//! What the program prints for others to read: each checker that is installed accepts it, and no
//! option is missing from it.

use super::{PROGRAM, accepted, have, kinds, options, printed, run, said, settings};
use crate::tools::missing;
use crate::tree::TempDir;
use std::fs;
use std::process::Command;

/// Highest exposure that `systemd-analyze security` may find, in tenths; it was 11 with
/// systemd 252.
const EXPOSURE: u32 = 12;

#[test]
fn systemd_accepts_the_unit() {
    let unit = printed(&["service", "systemd"]);
    assert!(
        unit.contains(&format!("ExecStart={PROGRAM} serve\n")),
        "{unit}"
    );
    if !have("systemd-analyze") {
        return;
    }
    let dir = TempDir::new();
    let path = dir.path().join("restic-123pan.service");
    fs::write(&path, unit).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let output = verify
        .args(["verify", "--man=no"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        said(&output)
    );
    let security = ["security", "--offline=true", "--no-pager"];
    let threshold = format!("--threshold={EXPOSURE}");
    let mut analyze = Command::new("systemd-analyze");
    let output = analyze
        .args(security)
        .arg(threshold)
        .arg(&path)
        .output()
        .unwrap();
    if said(&output).contains("unrecognized option") {
        missing("this systemd-analyze can't look at files");
        return;
    }
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn shells_accept_scripts_and_completions() {
    let dir = TempDir::new();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    for kind in ["openwrt", "openrc"] {
        let path = file(
            kind,
            &printed(&["service", kind, "--program", "/usr/bin/restic-123pan"]),
        );
        accepted("sh", &["-n"], &path);
        accepted("shellcheck", &[], &path);
    }
    for shell in ["bash", "zsh", "fish"] {
        let path = file(shell, &printed(&["completions", shell]));
        accepted(shell, &["-n"], &path);
    }
    accepted("shellcheck", &["--shell=bash"], &dir.path().join("bash"));
    let page = file("page.8", &printed(&["manual"]));
    accepted("mandoc", &["-Tlint", "-Wwarning"], &page);
}

#[test]
fn bash_completes() {
    if !have("bash") {
        return;
    }
    let dir = TempDir::new();
    let path = dir.path().join("completion");
    fs::write(&path, printed(&["completions", "bash"])).unwrap();
    let complete = |line: &str| {
        let script = format!(
            "source {}; COMP_WORDS=({line} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             [ \"${{COMP_WORDS[-2]}}\" != -- ] || {{ unset 'COMP_WORDS[-1]'; COMP_CWORD=$((COMP_CWORD - 1)); }}; \
             _restic_123pan; echo \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        run(Command::new("bash").args(["-c", &script]))
    };
    assert!(complete("restic-123pan").contains("import export"));
    assert!(complete("restic-123pan service").contains("openwrt-config"));
    assert_eq!(
        complete("restic-123pan completions").trim(),
        "bash zsh fish"
    );
    assert!(complete("restic-123pan --").contains("--repo-path"));
    let values = [
        ("--tier", "auto free vip oauth"),
        ("--cloud", "123pan smh local kdocs"),
        ("--bin", "purge keep"),
        ("--listen", ""),
    ];
    for (option, expected) in values {
        let line = format!("restic-123pan verify {option}");
        assert_eq!(complete(&line).trim(), expected, "{option}");
    }
    // Each command offers what it takes, and nothing else.
    let takes = |command: &str, option: &str| {
        let offered = complete(&format!("restic-123pan {command} --"));
        offered.split_whitespace().any(|word| word == option)
    };
    let table = [
        ("bin purge", "--older-than", "--json"),
        ("bin list", "--json", "--older-than"),
        ("bin", "--tier", "--json"),
        ("verify", "--tier", "--listen"),
        ("serve", "--listen", "--json"),
        ("passwd", "--htpasswd-file", "--tier"),
        ("service systemd", "--program", "--memory"),
        ("--tier vip verify", "--json", "--listen"),
    ];
    for (command, taken, foreign) in table {
        assert!(takes(command, taken), "{command} {taken}");
        assert!(!takes(command, foreign), "{command} {foreign}");
        assert!(takes(command, "--config"), "{command}");
    }
    assert_eq!(complete("restic-123pan bin").trim(), "list purge restore");
}

#[test]
fn fish_completes() {
    if !have("fish") {
        return;
    }
    let dir = TempDir::new();
    let path = dir.path().join("completion");
    fs::write(&path, printed(&["completions", "fish"])).unwrap();
    let complete = |line: &str| -> Vec<String> {
        let script = format!("source {}; complete -C '{line}'", path.display());
        let text = run(Command::new("fish").args(["--no-config", "-c", &script]));
        let names = text.lines().filter_map(|line| line.split('\t').next());
        names.map(str::to_owned).collect()
    };
    assert_eq!(complete("restic-123pan bin "), ["list", "purge", "restore"]);
    assert_eq!(
        complete("restic-123pan completions "),
        ["bash", "fish", "zsh"]
    );
    let tiers = complete("restic-123pan verify --tier ");
    assert_eq!(tiers, ["auto", "free", "oauth", "vip"]);
    assert_eq!(complete("restic-123pan verify --j"), ["--json"]);
    assert_eq!(complete("restic-123pan verify --lis"), [""; 0]);
    assert_eq!(complete("restic-123pan --lis"), ["--listen"]);
}

#[test]
fn every_option_is_in_the_manual_and_the_completions() {
    let manual = printed(&["manual"]);
    let shells = ["bash", "zsh", "fish"].map(|shell| (shell, printed(&["completions", shell])));
    for name in options() {
        let escaped = format!(".BI \\-\\-{} ", name.replace('-', "\\-"));
        assert!(manual.contains(&escaped), "--{name} isn't in the manual");
        for (shell, text) in &shells {
            let written = match *shell {
                "fish" => format!("-l {name} "),
                "zsh" => format!("'--{name}["),
                _ => format!("--{name}"),
            };
            assert!(
                text.contains(&written),
                "--{name} isn't in the completions for {shell}"
            );
        }
    }
}

#[test]
fn every_setting_is_in_the_services() {
    let uci = printed(&["service", "openwrt-config"]);
    let script = printed(&["service", "openwrt"]);
    let variables = printed(&["service", "options"]);
    for name in settings() {
        let underscored = name.replace('-', "_");
        let line = format!("option {underscored} '");
        assert!(uci.contains(&line), "{name} isn't in the UCI file");
        let lists = script
            .lines()
            .filter(|l| l.starts_with("OPTIONS=") || l.starts_with("SWITCHES="));
        let listed = |line: &str| line.split([' ', '"', '=']).any(|word| word == underscored);
        assert!(
            lists.into_iter().any(listed),
            "{name} isn't in the init script"
        );
        let variable = format!("#PAN123_{}=", underscored.to_uppercase());
        assert!(
            variables.contains(&variable),
            "{name} isn't among the variables"
        );
    }
    for text in [uci, script, variables] {
        assert!(
            !text.contains("@OPTIONS@") && !text.contains("@SWITCHES@"),
            "{text}"
        );
    }
}

/// The file for a NAS runs the image that packages hold, by the names that the image knows, and
/// shows every option that the image doesn't set itself.
#[test]
fn the_compose_file_fits_the_image() {
    let file = printed(&["service", "compose"]);
    let image = printed(&["service", "container"]);
    let image: Vec<&str> = image.lines().filter(|l| !l.starts_with('#')).collect();
    let image = image.join("\n");
    let version = env!("CARGO_PKG_VERSION");
    let has = |line: &str| assert!(file.lines().any(|l| l.trim() == line), "{line}:\n{file}");
    has(&format!("image: restic-123pan:{version}"));
    has("- state:/state");
    assert!(file.contains(&format!("restic-123pan-{version}-amd64.image.tar")));
    let secrets = image
        .lines()
        .filter_map(|line| line.split("=/run/secrets/").nth(1));
    let secrets = secrets.map(|name| name.trim_end_matches([' ', '\\']));
    let secrets: Vec<&str> = secrets.collect();
    assert_eq!(secrets.len(), 3, "{image}");
    for secret in secrets {
        has(&format!("- {secret}"));
        has(&format!("file: ./{}", secret.trim_start_matches("pan123_")));
    }
    for name in settings() {
        let variable = format!("PAN123_{}", name.to_uppercase().replace('-', "_"));
        let set = image.contains(&format!("{variable}="));
        let lines = file.lines().filter_map(|line| line.strip_prefix("      #"));
        let values: Vec<&str> = lines
            .filter_map(|l| l.strip_prefix(&format!("{variable}: ")))
            .collect();
        assert_eq!(values.len(), usize::from(!set), "{variable}");
        for value in values {
            assert!(
                serde_json::from_str::<String>(value).is_ok(),
                "{variable}: {value}"
            );
        }
    }
}

#[test]
fn no_placeholder_is_left() {
    for kind in kinds() {
        let text = printed(&["service", &kind]);
        let left = text.split('@').skip(1).step_by(2);
        let placeholder =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
        assert!(!left.into_iter().any(placeholder), "{kind}:\n{text}");
    }
    let odd = Command::new(PROGRAM)
        .args(["service", "systemd", "--program", "/a b"])
        .output();
    assert_eq!(odd.unwrap().status.code(), Some(2));
}
