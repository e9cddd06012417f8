//! The file with the default Settings of a cluster.

use std::path::Path;

use anyhow::{anyhow, bail, ensure};
use partywall_core::api::{Mistake, Object, Source};
use serde_json::{Map, Value};

use super::files::document::{self, Content};
use super::files::grouped;
use crate::manifests::{self, Lists};

/// Parses an object, or returns all flaws of its structure.
///
/// An object with a flaw is refused as a whole: without the flawed field it could allow more than was meant.
fn parse(source: &Source, document: Value) -> Result<Object, Vec<Mistake>> {
    let document::Read { content, flaws, object: name } = document::read(document, None);
    match content {
        Content::Object(object) if flaws.is_empty() => Ok(object),
        Content::Object(_) | Content::Refused(_) => {
            let mut mistakes: Vec<_> =
                flaws.into_iter().map(|flaw| flaw.in_object(source.clone(), name.clone())).collect();
            mistakes.sort();
            Err(mistakes)
        }
    }
}

/// Reads a file that holds one Settings object, and returns the fields of its spec.
pub(crate) fn read_settings(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let place = path.display().to_string();
    let bytes = manifests::read(path).map_err(|error| anyhow!("{error}"))?;
    let entries = manifests::entries(&bytes, Lists::Strict).map_err(|error| anyhow!("{place}: {error}"))?;
    let documents: Result<Vec<Value>, _> = entries.into_iter().map(|entry| entry.content).collect();
    let documents = documents.map_err(|flaw| anyhow!("{place}: {}", flaw.message))?;
    let count = documents.len();
    let Ok([document]) = <[Value; 1]>::try_from(documents) else {
        bail!("{place}: there are {count} objects; write one, the Settings `default`");
    };
    let kind = document.get("kind").and_then(Value::as_str);
    ensure!(kind == Some("Settings"), "{place}: this is no Settings object; write `kind: Settings`");
    let spec = document.get("spec").and_then(Value::as_object).cloned().unwrap_or_default();
    match parse(&Source::file(&place), document) {
        Ok(_) => Ok(spec),
        Err(mistakes) => Err(anyhow!("{}", grouped(&mistakes).join("\n"))),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes Settings to be read")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.yaml");
        std::fs::write(&path, text).unwrap();
        let read = read_settings(&path).map(Value::Object);
        read.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn default_settings_are_one_object_without_mistakes() {
        const SETTINGS: &str = "
apiVersion: partywall.dev/v1alpha1
kind: Settings
metadata: {name: default}
spec: {enforcement: Audit}
";
        assert_eq!(read(SETTINGS).unwrap(), serde_json::json!({"enforcement": "Audit"}));
        let misspelt = read(&SETTINGS.replace("enforcement", "enforcment")).unwrap_err();
        assert!(misspelt.starts_with("settings.yaml: Settings `default`: spec.enforcment"), "{misspelt}");
        let two = read(&format!("{SETTINGS}---{SETTINGS}")).unwrap_err();
        assert!(two.contains("there are 2 objects"), "{two}");
        let other = read(&SETTINGS.replace("kind: Settings", "kind: Tenant")).unwrap_err();
        assert!(other.contains("this is no Settings object"), "{other}");
        assert!(read("").unwrap_err().contains("there are 0 objects"));
    }
}
