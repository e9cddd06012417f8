//! Tests which files below the paths are read, and the errors for the others.

use std::os::unix::fs::symlink;

use super::*;

/// Loads a folder that `fill` has filled; its path is cut from what is said.
fn load_folder(fill: impl FnOnce(&Path)) -> Result<Vec<String>, (bool, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fill(root);
    let prefix = format!("{}/", root.display());
    match policies::load(&[root.to_owned()], TODAY) {
        Ok(loaded) => {
            Ok(loaded.warnings.iter().map(|warning| warning.to_string().replace(&prefix, "")).collect())
        }
        Err(error) => {
            let is_unreadable = matches!(error, LoadError::Unreadable { .. });
            Err((is_unreadable, error.to_string().replace(&prefix, "").lines().map(str::to_owned).collect()))
        }
    }
}

fn write(path: PathBuf, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

type Fill = fn(&Path);

#[test]
fn what_is_named_like_a_manifest_is_never_passed_over() {
    let rows: [(&str, Fill, bool, &[&str]); 7] = [
        (
            "a dangling symlink",
            |root| symlink("nowhere", root.join("b.yaml")).unwrap(),
            true,
            &["`b.yaml` cannot be read: "],
        ),
        (
            "a loop",
            |root| symlink("b.yaml", root.join("b.yaml")).unwrap(),
            true,
            &["`b.yaml` cannot be read: "],
        ),
        (
            "a folder where a file was to be mounted",
            |root| std::fs::create_dir(root.join("b.yaml")).unwrap(),
            true,
            &["`b.yaml` cannot be read: "],
        ),
        (
            "several, and a mistake elsewhere",
            |root| {
                symlink("nowhere", root.join("b.yaml")).unwrap();
                symlink("nowhere", root.join("c.YML")).unwrap();
                write(root.join("d.yaml"), &tenant("d", "{domain: [x], nodePools: {default: unread}}"));
            },
            true,
            &[
                "`b.yaml` cannot be read: ",
                "`c.YML` cannot be read: ",
                "d.yaml:5:28: Tenant `d`: spec.domain = ",
            ],
        ),
        (
            "an empty file",
            |root| write(root.join("b.yaml"), ""),
            false,
            &["b.yaml: the file holds no object; delete the file or fill it"],
        ),
        (
            "a file of comments",
            |root| write(root.join("b.yaml"), "# none\n---\n"),
            false,
            &["b.yaml: the file holds no object; "],
        ),
        (
            "a file that is no text",
            |root| std::fs::write(root.join("z.yaml"), b"a: \xff").unwrap(),
            false,
            &["z.yaml: the file is not UTF-8: byte 4 is wrong"],
        ),
    ];
    for (name, fill, is_unreadable, starts) in rows {
        let told = load_folder(|root| {
            write(root.join("a.yaml"), &tenant("a", "{}"));
            fill(root);
        });
        let (was_unreadable, lines) = told.unwrap_err();
        assert_eq!((was_unreadable, lines.len()), (is_unreadable, starts.len()), "{name}: {lines:#?}");
        for (line, start) in lines.iter().zip(starts) {
            assert!(line.starts_with(start), "{name}: {line}");
        }
    }
}

#[test]
fn subfolders_that_hold_manifests_are_warned_about() {
    let rows: [(&str, Fill, &[&str]); 5] = [
        ("a subfolder", |root| write(root.join("teams/b.yaml"), "x"), &["teams"]),
        ("one below it", |root| write(root.join("teams/x/y/b.JSON"), "x"), &["teams"]),
        ("one without manifests", |root| write(root.join("docs/b.txt"), "x"), &[]),
        ("a hidden one", |root| write(root.join(".git/b.yaml"), "x"), &[]),
        ("that of a ConfigMap", |root| write(root.join("..data/b.yaml"), "x"), &[]),
    ];
    for (name, fill, folders) in rows {
        let warnings = load_folder(|root| {
            write(root.join("a.yaml"), &tenant("a", "{}"));
            fill(root);
        });
        let expected: Vec<_> = folders
            .iter()
            .map(|folder| format!("{folder}: this is not read: folders are read without their subfolders"))
            .collect();
        assert_eq!(warnings.unwrap(), expected, "{name}");
    }
}

#[test]
fn endings_may_be_in_capitals() {
    let folder = tempfile::tempdir().unwrap();
    for (file, name) in [("a.YAML", "a"), ("b.Yml", "b")] {
        write(folder.path().join(file), &tenant(name, "{}"));
    }
    let json = r#"{"apiVersion": "partywall.dev/v1alpha1", "kind": "Tenant", "metadata": {"name": "c"},
        "spec": {"namespaces": ["c"]}}"#;
    write(folder.path().join("c.JSON"), json);
    let loaded = policies::load(&[folder.path().to_owned()], TODAY).unwrap();
    assert_eq!(loaded.snapshot.tenants().len(), 3);
}

#[test]
fn all_paths_that_cannot_be_read_are_named() {
    let paths = ["/nowhere/a", "/nowhere/b"].map(PathBuf::from);
    let error = policies::load(&paths, TODAY).unwrap_err().to_string();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(lines[0].starts_with("`/nowhere/a` cannot be read: "), "{error}");
    assert!(lines[1].starts_with("`/nowhere/b` cannot be read: "), "{error}");
}

#[test]
fn a_fingerprint_follows_what_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().to_owned()];
    let empty = policies::fingerprint(&paths, TODAY);
    symlink("later", folder.path().join("a.yaml")).unwrap();
    let dangling = policies::fingerprint(&paths, TODAY);
    assert_ne!(empty, dangling);
    std::fs::write(folder.path().join("later"), "x").unwrap();
    assert_ne!(dangling, policies::fingerprint(&paths, TODAY));
}
