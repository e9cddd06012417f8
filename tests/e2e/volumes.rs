//! Mounted ConfigMaps and Secrets, written and swapped as a kubelet does it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::cluster::Cluster;

/// The volumes that a pod's first container mounts, below a folder that stands for its root.
#[derive(Clone)]
pub(crate) struct Volumes {
    namespace: String,
    mounts: Vec<Mount>,
}

#[derive(Clone)]
struct Mount {
    /// The path in the container.
    path: String,
    folder: PathBuf,
    kind: &'static str,
    object: String,
    /// The number of times that it was written.
    writes: u32,
}

impl Volumes {
    /// Mounts them.
    ///
    /// # Panics
    ///
    /// If one is neither a ConfigMap, a Secret nor the account's token, or its object is not there.
    pub(crate) fn mount(cluster: &Cluster, pod: &Value, root: &Path) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let sources = pod["spec"]["volumes"].as_array().unwrap();
        let source = |mount: &Value| sources.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
        let mounts = pod["spec"]["containers"][0]["volumeMounts"].as_array().unwrap().iter();
        // The token of the pod's account is not read here: a process is given a kubeconfig.
        let mounts = mounts.filter(|mount| source(mount)["projected"].is_null()).map(|mount| {
            assert!(mount["subPath"].is_null(), "a kubelet never updates a subPath: {mount}");
            let source = source(mount);
            let (kind, object) = match (&source["configMap"]["name"], &source["secret"]["secretName"]) {
                (Value::String(name), _) => ("ConfigMap", name.clone()),
                (_, Value::String(name)) => ("Secret", name.clone()),
                _ => panic!("neither a ConfigMap nor a Secret: {source}"),
            };
            for source in [&source["configMap"], &source["secret"]] {
                assert!(source["items"].is_null(), "only whole objects are mounted here: {source}");
            }
            let path = text(&mount["mountPath"]);
            let folder = root.join(path.trim_start_matches('/'));
            fs::create_dir_all(&folder).unwrap();
            Mount { path, folder, kind, object, writes: 0 }
        });
        let mut volumes = Self { namespace: text(&pod["metadata"]["namespace"]), mounts: mounts.collect() };
        volumes.sync(cluster);
        volumes
    }

    /// Writes what the objects hold now, as a kubelet does within a minute or two.
    pub(crate) fn sync(&mut self, cluster: &Cluster) {
        for mount in &mut self.mounts {
            mount.write(&cluster.get(mount.kind, &self.namespace, &mount.object));
        }
    }

    /// The text with this machine's folders in place of the container's.
    pub(crate) fn on_this_machine(&self, text: &str) -> String {
        let replace =
            |text: String, mount: &Mount| text.replace(&mount.path, &mount.folder.display().to_string());
        self.mounts.iter().fold(text.to_owned(), replace)
    }
}

impl Mount {
    /// Writes a new folder and makes `..data` lead to it in one step; the files' own names lead through `..data`.
    fn write(&mut self, object: &Value) {
        self.writes += 1;
        let (name, before) = (format!("..{}", self.writes), format!("..{}", self.writes - 1));
        assert!(object["binaryData"].is_null(), "only text is written here: {object}");
        fs::create_dir(self.folder.join(&name)).unwrap();
        for (file, content) in object["data"].as_object().unwrap() {
            let content = content.as_str().unwrap();
            let content = match self.kind {
                "Secret" => BASE64_STANDARD.decode(content).unwrap(),
                _ => content.as_bytes().to_vec(),
            };
            fs::write(self.folder.join(&name).join(file), content).unwrap();
            if !self.folder.join(file).is_symlink() {
                symlink(format!("..data/{file}"), self.folder.join(file)).unwrap();
            }
        }
        symlink(&name, self.folder.join("..data_tmp")).unwrap();
        fs::rename(self.folder.join("..data_tmp"), self.folder.join("..data")).unwrap();
        if self.writes > 1 {
            fs::remove_dir_all(self.folder.join(before)).unwrap();
        }
    }
}
