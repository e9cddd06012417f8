//! When a load would read something else.

use super::*;

#[test]
fn a_fingerprint_changes_with_what_would_be_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().to_owned()];
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("a.yaml", "a");
    let first = policies::fingerprint(&paths, TODAY);
    assert_eq!(first, policies::fingerprint(&paths, TODAY));
    assert_ne!(first, policies::fingerprint(&paths, TODAY.tomorrow().unwrap()), "another day");
    write("notes.txt", "a");
    assert_eq!(first, policies::fingerprint(&paths, TODAY), "no policies");
    write("a.yaml", "ab");
    let changed = policies::fingerprint(&paths, TODAY);
    assert_ne!(first, changed, "another length");
    write("b.yaml", "");
    let added = policies::fingerprint(&paths, TODAY);
    assert_ne!(changed, added, "another file");
    std::fs::remove_file(folder.path().join("a.yaml")).unwrap();
    assert_ne!(added, policies::fingerprint(&paths, TODAY), "a file less");
}

/// A kubelet updates a mounted ConfigMap by swapping the folder behind `..data`.
#[test]
fn a_fingerprint_follows_symlinks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for version in ["..1", "..2"] {
        std::fs::create_dir(root.join(version)).unwrap();
        std::fs::write(root.join(version).join("a.yaml"), tenant("a", "{}")).unwrap();
    }
    std::os::unix::fs::symlink("..1", root.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
    let paths = [root.to_owned()];
    let before = policies::fingerprint(&paths, TODAY);
    assert_eq!(policies::load(&paths, TODAY).unwrap().snapshot.tenants().len(), 1, "nothing is read twice");
    std::os::unix::fs::symlink("..2", root.join("..tmp")).unwrap();
    std::fs::rename(root.join("..tmp"), root.join("..data")).unwrap();
    assert_ne!(before, policies::fingerprint(&paths, TODAY));
}
