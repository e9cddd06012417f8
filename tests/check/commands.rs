//! The commands that say how to use partywall: `explain`, `completions`, `man`.

use super::*;

fn partywall(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_partywall")).args(args).output().unwrap()
}

#[test]
fn a_field_is_explained_with_what_is_below_it() {
    for path in ["tenant.spec.services", "Tenant.spec.services", "tenant.services"] {
        let text = stdout(&partywall(&["explain", path]));
        assert!(text.starts_with("Tenant.spec.services\n\nObject; absent: "), "{path}: {text}");
        assert!(text.contains("\n  Tenant.spec.services.types\n      "), "{path}: {text}");
        assert!(!text.contains("Tenant.spec.domains\n"), "{path}: {text}");
    }
    let text = stdout(&partywall(&["explain", "nodepool.spec.taints.key"]));
    assert!(text.starts_with("NodePool.spec.taints[].key\n\nString; required."), "{text}");
}

#[test]
fn an_object_is_explained_with_all_its_fields() {
    let text = stdout(&partywall(&["explain", "settings"]));
    for field in
        ["Settings.spec.systemNamespaces", "Settings.spec.controllers.endpoints", "Settings.spec.rules"]
    {
        assert!(text.contains(&format!("\n  {field}\n")), "{field}: {text}");
    }
}

#[test]
fn a_rule_is_explained_by_its_page() {
    for args in [&["explain", "rule", "tolerations"][..], &["explain", "tolerations"]] {
        let text = stdout(&partywall(args));
        assert!(text.starts_with("# tolerations\n\n## What it does\n\n"), "{text}");
        assert!(text.contains("\n## Why\n") && text.contains("\n## Example\n"), "{text}");
        assert!(!text.contains("](../") && !text.contains("<!--"), "{text}");
    }
    let text = stdout(&partywall(&["explain", "rules"]));
    for rule in partywall_core::rule_id::RuleId::ALL {
        assert!(text.contains(&format!("  {rule}\n      {}\n", rule.summary())), "{rule}: {text}");
        assert!(partywall(&["explain", "rule", rule.as_str()]).status.success());
    }
    assert!(stdout(&partywall(&["explain"])).contains("\n  Exemption\n"));
}

#[test]
fn what_does_not_exist_is_told_with_the_nearest_name() {
    for (args, told) in [
        (&["explain", "tenant.spec.servises"][..], "did you mean `tenant.spec.services`?"),
        (&["explain", "rule", "toleration"], "there is no rule `toleration`, did you mean `tolerations`?"),
        (&["man", "chek"], "there is no command `chek`"),
    ] {
        let output = partywall(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
}

#[test]
fn shells_get_completions_of_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = stdout(&partywall(&["completions", shell]));
        for word in ["check", "explain", "fail-on", "webhooks"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
    // bash itself finds no mistake in it.
    let mut child =
        Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let script = partywall(&["completions", "bash"]).stdout;
    child.stdin.take().unwrap().write_all(&script).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let text = stdout(&partywall(&["man"]));
    assert!(text.contains(".TH partywall 1"), "{text}");
    for (args, name) in
        [(&["man", "check"][..], "partywall-check"), (&["man", "manifests", "webhooks"], "webhooks")]
    {
        let text = stdout(&partywall(args));
        assert!(text.contains(&format!(".TH {name}")) || text.contains(&format!("{name} 1")), "{text}");
        assert!(text.contains(".SH OPTIONS"), "{text}");
    }
}
