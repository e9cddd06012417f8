//! Which files are read, and how their text is: symlinks, pipes, encodings, YAML as kubectl reads it, errors in words.

use std::os::unix::fs::symlink;

use super::*;

const SERVICE: &str =
    "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: tenants-x}\nspec: {type: NodePort}\n";

#[test]
fn symlinks_are_not_followed_out_of_the_folder() {
    let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (inside, out) = (folder.path(), outside.path());
    std::fs::write(out.join("secret.yaml"), SERVICE).unwrap();
    // A mounted ConfigMap looks like this.
    std::fs::create_dir(inside.join("..2026")).unwrap();
    std::fs::write(inside.join("..2026/a.yaml"), SERVICE).unwrap();
    symlink("..2026", inside.join("..data")).unwrap();
    symlink("..data/a.yaml", inside.join("a.yaml")).unwrap();
    let output = check(&["-o", "json", inside.to_str().unwrap()]);
    assert_eq!((lines(&output).len(), output.status.code()), (1, Some(1)), "{}", stderr(&output));
    for (name, target) in [("file.yaml", out.join("secret.yaml")), ("folder", out.to_owned())] {
        symlink(&target, inside.join(name)).unwrap();
        let output = check(&["-o", "json", inside.to_str().unwrap()]);
        assert_eq!((lines(&output).len(), output.status.code()), (1, Some(2)), "{name}");
        let told = format!("{name}: it is a symlink out of the folder, which is not followed");
        assert!(stderr(&output).contains(&told), "{}", stderr(&output));
        std::fs::remove_file(inside.join(name)).unwrap();
    }
    // A loop ends, and what is named is meant.
    symlink(".", inside.join("loop")).unwrap();
    symlink(inside, out.join("link")).unwrap();
    let output = check(&["-o", "json", out.join("link").to_str().unwrap()]);
    assert_eq!((lines(&output).len(), output.status.code()), (1, Some(1)), "{}", stderr(&output));
}

#[test]
fn pipes_and_devices_are_refused() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.to_str().unwrap(), folder.path().to_str().unwrap(), "/dev/zero"] {
        let output = check(&[path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(stderr(&output).contains("it is no regular file; pipe it into"), "{}", stderr(&output));
    }
}

#[test]
fn policies_without_a_tenant_judge_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let output = check(&["--policies", path, &fixture("clean.yaml")]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
    let told = format!("error: the policies in `{path}` have no Tenant");
    assert!(stderr(&output).contains(&told), "{}", stderr(&output));
}

#[test]
fn what_other_projects_write_is_read_as_kubectl_reads_it() {
    let case = |name: &str| {
        let path = format!("tests/check/cases/{name}.yaml");
        check(&["-n", "t", "--policies", "tests/check/cases/tenant-t.yaml", &path])
    };
    for name in ["quoted-scalar", "null-annotation"] {
        let output = case(name);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(text.contains("spec.type: type `NodePort` is not allowed"), "{name}: {text}");
        assert!(!text.contains("not judged"), "{name}: {text}");
    }
    let output = case("duplicate-key");
    assert_eq!(output.status.code(), Some(2));
    let told = "/duplicate-key.yaml:5:3: the key `name` is written twice in one mapping; remove one";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
}

#[test]
fn errors_of_the_parser_say_what_to_write() {
    let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        text + &format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(8))
    });
    let rows = [
        (
            "two objects without a mark",
            "kind: A\nspec: {}\nkind: B\n",
            "3:1: the key `kind` is written twice in one mapping; is a line `---` missing",
        ),
        ("an alias of another document", "a: &x 1\n---\nb: *x\n", "3:4: this alias (`*name`) has no anchor"),
        ("aliases that stand for too much", &bomb, "stand for too much; write the values out"),
        (
            "a template",
            "kind: Pod\nspec: {{ .Values.spec }}\n",
            "looks like a template that was not rendered",
        ),
        (
            "a template's line",
            "kind: Pod\n{{- if .Values.a }}\nspec: {}\n{{- end }}\n",
            "looks like a template that was not rendered",
        ),
        (
            "a quote that is not closed",
            "a: 1\nb: \"open\nc: 2\nd: 3\n",
            "2:4: the quote that opens here is not closed",
        ),
        (
            "a quote that another closes",
            "a: 1\nb: \"open\nc: \"x\"\n",
            "2:4: the quote that opens here is not closed",
        ),
        ("a tab", "a:\n\tb: 1\n", "a tab stands where YAML has only spaces"),
        ("a bracket", "a: [1, 2\nb: 3\n", "above it never closed?"),
        ("a colon in a text", "a: b: c\n", "put the text in quotes"),
        ("an unknown escape", "a: \"\\d\"\n", "use single quotes"),
        (
            "a list of objects",
            "[{\"kind\": \"Pod\"}]",
            "this is a list, not an object; write one object a document",
        ),
        ("no key", "a: 1\nword\n", "this line has no `:`"),
        ("an at sign", "a: @b\n", "put the value in quotes"),
    ];
    for (name, text, told) in rows {
        let output = check_stdin(&["-"], text);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let errors = stderr(&output);
        assert!(errors.contains(told), "{name}: {errors}");
        for library in
            ["Options", "DuplicateKeyPolicy", "total_replayed_events", "scalar string", "EOF", "serde"]
        {
            assert!(!errors.contains(library), "{name}: {errors}");
        }
    }
    let folder = TempDir::new().unwrap();
    for (name, start) in [("le.yaml", [0xff, 0xfe]), ("be.yaml", [0xfe, 0xff])] {
        let path = folder.path().join(name);
        let letters = SERVICE.bytes().flat_map(|byte| if name == "le.yaml" { [byte, 0] } else { [0, byte] });
        std::fs::write(&path, start.into_iter().chain(letters).collect::<Vec<_>>()).unwrap();
        let output = check(&[path.to_str().unwrap()]);
        assert!(stderr(&output).contains("looks like UTF-16; save it as UTF-8"), "{}", stderr(&output));
    }
}

#[test]
fn one_file_of_many_documents_takes_time_in_proportion() {
    let seconds = |documents: usize| {
        let text = format!("---\n{SERVICE}").repeat(documents);
        let started = std::time::Instant::now();
        let output = check_stdin(&["-o", "json", "-"], &text);
        assert_eq!(lines(&output).len(), documents);
        started.elapsed().as_secs_f64()
    };
    seconds(100);
    let (few, many) = (seconds(250), seconds(2000));
    // Eight times as many, and room for other processes: a quadratic part takes 64 times as long.
    assert!(many < few * 32.0 + 1.0, "250 documents take {few} s, 2000 take {many} s");
}
