//! A model of an API server with webhook configurations, and of those who change them.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use jiff::civil::date;
use partywall_core::Phase;
use partywall_core::registration::{OWN_OBJECTS, Server, names};
use partywall_core::tenancy::Snapshot;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::decision::{Action, Facts, Memory, Write, decide, registered};
use super::live::{Both, Live, name};
use super::wanted::Wanted;
use crate::cluster::facts::{Fingerprint, Registered, Replica, Replicas};

/// CAs, in PEM.
static CAS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let make = |index| generate_simple_self_signed([format!("ca-{index}")]).unwrap().cert.pem();
    (0..4).map(make).collect()
});
static SNAPSHOT: LazyLock<Arc<Snapshot>> =
    LazyLock::new(|| Arc::new(Snapshot::compile(Vec::new(), date(2026, 12, 1)).unwrap().snapshot));

pub(super) fn snapshot() -> Arc<Snapshot> {
    Arc::clone(&SNAPSHOT)
}

/// Returns the PEM of these CAs.
pub(super) fn pem(cas: &[usize]) -> String {
    cas.iter().map(|ca| CAS[*ca].as_str()).collect()
}

/// Returns the fingerprint of a CA.
pub(super) fn ca(index: usize) -> Fingerprint {
    Fingerprint::of(&CertificateDer::from_pem_slice(CAS[index].as_bytes()).unwrap())
}

/// Where the API server finds a server.
pub(super) fn server(port: u16) -> Server {
    Server::Url(format!("https://10.0.0.7:{port}"))
}

/// A replica of partywall, and what it knows.
#[derive(Clone, Debug)]
pub(super) struct Partywall {
    pub(super) now: u64,
    pub(super) wanted: Wanted,
    pub(super) bundle: Bundle,
    pub(super) signer: Option<Fingerprint>,
    pub(super) replicas: Replicas,
    pub(super) version: &'static str,
    pub(super) is_external: bool,
    pub(super) memory: Memory,
    /// Whether probes come back.
    pub(super) is_reached: bool,
}

impl Partywall {
    /// Returns one that has the policies, and whose certificate the first of these CAs signed.
    pub(super) fn new(cas: &[usize]) -> Self {
        Self {
            now: 1_000,
            wanted: Wanted::of(Some(&SNAPSHOT), &server(8443)).unwrap(),
            bundle: Bundle::of_pem(pem(cas).as_bytes()),
            signer: cas.first().map(|first| ca(*first)),
            replicas: Replicas {
                is_known: true,
                live: vec![replica("1.0.0", cas.first().copied())],
                leads: true,
            },
            version: "1.0.0",
            is_external: false,
            memory: Memory::default(),
            is_reached: true,
        }
    }

    /// Returns one that has no policies yet.
    pub(super) fn without_policies(cas: &[usize]) -> Self {
        Self { wanted: Wanted::of(None, &server(8443)).unwrap(), ..Self::new(cas) }
    }

    /// Returns the same at another address.
    pub(super) fn at(self, port: u16) -> Self {
        Self { wanted: Wanted::of(Some(&SNAPSHOT), &server(port)).unwrap(), ..self }
    }

    fn facts<'f>(&'f self, api: &'f Api) -> Facts<'f> {
        Facts {
            now: std::time::Duration::from_secs(self.now),
            live: &api.live,
            wanted: &self.wanted,
            bundle: &self.bundle,
            signer: self.signer,
            replicas: &self.replicas,
            version: self.version,
            is_external: self.is_external,
        }
    }

    pub(super) fn decide(&mut self, api: &Api) -> Action {
        let mut memory = std::mem::take(&mut self.memory);
        let action = decide(&self.facts(api), &mut memory);
        self.memory = memory;
        action
    }

    pub(super) fn registered(&self, api: &Api) -> Registered {
        registered(&self.facts(api), &self.memory)
    }

    /// Does what is decided, until nothing is to be done; returns the writes, and what is decided at last.
    pub(super) fn settle(&mut self, api: &mut Api) -> (Vec<Write>, Action) {
        let mut writes = Vec::new();
        for _ in 0..20 {
            let action = self.decide(api);
            match action {
                Action::Write(write) => {
                    let answer = api.take(&write);
                    writes.push((*write).clone());
                    self.memory.note(&write, &answer);
                }
                Action::Probe if self.is_reached => self.memory.is_armed = true,
                Action::Nothing | Action::Wait(_) | Action::Probe => return (writes, action),
            }
        }
        panic!("it never ends: {:?}", writes.last());
    }
}

/// Returns the Lease of a replica that serves all webhooks.
pub(super) fn replica(version: &str, signer: Option<usize>) -> Replica {
    Replica {
        name: format!("partywall-{version}"),
        version: version.to_owned(),
        entries: names().map(str::to_owned).collect(),
        signer: signer.map(ca),
        cas: BTreeSet::new(),
    }
}

/// An API server.
#[derive(Clone, Debug, Default)]
pub(super) struct Api {
    pub(super) live: Both<Option<Live>>,
    versions: u64,
    /// A field that it fills in by itself.
    pub(super) fills_in: Option<&'static str>,
}

impl Api {
    /// Takes a write, as the API server takes an apply or a replacement by partywall's field manager.
    pub(super) fn take(&mut self, write: &Write) -> Live {
        if let Some(version) = write.version.as_deref() {
            let there = self.live.of(write.phase).as_ref().map(Live::version);
            assert_eq!(Some(version), there, "what was written since is not overwritten");
        }
        let object = match (&write.replacement, self.live.of(write.phase)) {
            (Some(object), Some(live)) => {
                assert_eq!(
                    object["metadata"]["resourceVersion"],
                    json!(live.version()),
                    "it was read before"
                );
                object.clone()
            }
            (Some(_), None) => panic!("nothing is there to be replaced"),
            (None, None) => write.meant.clone(),
            (None, Some(live)) => applied(&live.0, &write.meant),
        };
        let version = self.live.of(write.phase).as_ref().map(|live| live.version().to_owned());
        let stored = self.store(write.phase, object);
        if version.as_deref() == Some(stored.version()) {
            return stored;
        }
        // Whose fields they are, and when they were written.
        let mut object = stored.0;
        let time = format!("{:04}", self.versions);
        object["metadata"]["managedFields"] = json!([{"manager": "partywall-registration", "time": time}]);
        *self.live.of_mut(write.phase) = Some(Live(object.clone()));
        Live(object)
    }

    pub(super) fn store(&mut self, phase: Phase, mut object: Value) -> Live {
        for webhook in object["webhooks"].as_array_mut().unwrap() {
            webhook["objectSelector"] = webhook.get("objectSelector").cloned().unwrap_or_else(|| json!({}));
            if let Some(field) = self.fills_in {
                webhook[field] = json!("Always");
            }
        }
        let before = self.live.of(phase).as_ref();
        let version = before.map(Live::version).unwrap_or_default().to_owned();
        object["metadata"]["resourceVersion"] = json!(version);
        if before.is_none_or(|before| before.0 != object) {
            self.versions += 1;
            object["metadata"]["resourceVersion"] = json!(self.versions.to_string());
        }
        *self.live.of_mut(phase) = Some(Live(object.clone()));
        Live(object)
    }

    /// Changes a configuration, as somebody else would.
    pub(super) fn edit(&mut self, phase: Phase, edit: impl FnOnce(&mut Value)) {
        let mut object = self.live.of(phase).as_ref().unwrap().0.clone();
        edit(&mut object);
        self.store(phase, object);
    }

    pub(super) fn names(&self) -> BTreeSet<String> {
        self.webhooks().into_iter().map(|webhook| name(webhook).to_owned()).collect()
    }

    pub(super) fn webhooks(&self) -> Vec<&Value> {
        self.live.iter().flatten().flat_map(Live::webhooks).collect()
    }

    pub(super) fn own_objects(&self) -> Option<&Value> {
        self.webhooks().into_iter().find(|webhook| name(webhook) == OWN_OBJECTS)
    }
}

/// Merges what is applied into what is there: maps by key, webhooks by name. Others' webhooks and keys stay.
fn applied(live: &Value, meant: &Value) -> Value {
    match (live, meant) {
        (Value::Object(live), Value::Object(meant)) => {
            let mut all = live.clone();
            for (key, value) in meant {
                let merged = match live.get(key) {
                    Some(Value::Array(there)) if key == "webhooks" => {
                        let meant = value.as_array().unwrap();
                        let find = |list: &[Value], one: &Value| {
                            list.iter().find(|other| name(other) == name(one)).cloned()
                        };
                        let mut webhooks: Vec<Value> = meant
                            .iter()
                            .map(|one| {
                                find(there, one).map_or_else(|| one.clone(), |live| applied(&live, one))
                            })
                            .collect();
                        let is_others = |one: &&Value| !name(one).ends_with(".partywall.dev");
                        webhooks.extend(there.iter().filter(is_others).cloned());
                        webhooks.into()
                    }
                    Some(there) => applied(there, value),
                    None => value.clone(),
                };
                all.insert(key.clone(), merged);
            }
            all.into()
        }
        (_, meant) => meant.clone(),
    }
}
