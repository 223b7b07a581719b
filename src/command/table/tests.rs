//! The reading of the commands, and what they print.

use super::*;

fn called(line: &str) -> Result<Option<Call>, String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    parse(&words)
}

#[test]
fn serving_is_no_call() {
    for line in ["", "serve", "--listen :1", "nonsense"] {
        assert!(matches!(called(line), Ok(None)), "{line}");
    }
}

#[test]
fn words_and_options_may_be_mixed() {
    let line = "import --tier vip a --dry-run --memory=0 /b/ --no-ipv6";
    let Ok(Some(Call::Account(task))) = called(line) else {
        unreachable!("{line}");
    };
    assert_eq!(task.words.plain, ["a", "/b/"]);
    assert!(task.words.has("dry-run"));
    let options = ["--tier", "vip", "--memory", "0", "--no-ipv6"];
    assert_eq!(task.options(), options);
}

#[test]
fn what_is_wrong_is_one_line() {
    let lines = [
        ("import", "DIR"),
        ("import a b c", "DIR"),
        ("import a data", "data"),
        ("import a --nonsense", "--nonsense"),
        ("export a b --tier", "--tier"),
        ("export a b --dry-run=1", "--dry-run"),
        ("service", "systemd"),
        ("service windows", "systemd"),
        ("service systemd --tier vip", "--tier"),
        ("completions tcsh", "bash"),
        ("manual 8", "manual"),
        ("verify a data", "data"),
        ("verify --json=1", "--json"),
    ];
    for (line, named) in lines {
        let said = called(line).map(|_| ()).expect_err(line);
        assert!(
            said.contains(named) && !said.contains('\n'),
            "{line}: {said}"
        );
    }
    assert!(matches!(called("import --help"), Ok(Some(Call::Print(_)))));
}
