//! A cluster as far as partywall sees it: what is stored, and the way of a request.

use std::collections::BTreeMap;

use partywall_core::Entry;
use partywall_core::tenancy::Snapshot;
use serde_json::{Value, json};

use crate::entry::{Step, change};
use crate::request::{Request, filled_in, id, plural};

/// The end of generated names.
const GENERATED: &str = "x7k2p";

/// A stored object.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) object: Value,
    /// The user who created it.
    pub(crate) user: String,
    /// True if it is older than partywall.
    pub(crate) is_old: bool,
}

/// The stored objects, by `Kind/name`.
pub(crate) struct Cluster<'s> {
    snapshot: &'s Snapshot,
    pub(crate) stored: BTreeMap<String, Stored>,
    last: String,
}

impl<'s> Cluster<'s> {
    /// An empty one.
    pub(crate) fn new(snapshot: &'s Snapshot) -> Self {
        Self { snapshot, stored: BTreeMap::new(), last: String::new() }
    }

    /// Does what a step says.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), String> {
        let is_changed_later = step.then.is_some() && step.create.is_none() && step.update.is_none();
        if is_changed_later || (step.dry_run && step.create.is_none()) {
            return Err("says `then` or `dryRun` where it counts for nothing".to_owned());
        }
        let of = || step.of.clone().unwrap_or_else(|| self.last.clone());
        let Step { old, create, update, post, put, connect, .. } = step;
        match (old, create, update, post, put, connect) {
            (Some(old), None, None, None, None, None) => {
                self.store(filled_in(old.clone()), &step.user, true);
                Ok(())
            }
            (None, Some(object), None, None, None, None) => {
                self.create(object.clone(), &step.user, step.then.as_ref(), step.dry_run)
            }
            (None, None, Some(update), None, None, None) => self.update(&of(), update, step),
            (None, None, None, Some(object), None, None) => self.send("CREATE", &of(), object, step),
            (None, None, None, None, Some(object), None) => self.send("UPDATE", &of(), object, step),
            (None, None, None, None, None, Some(object)) => self.send("CONNECT", &of(), object, step),
            _ => Err("says not exactly one of old, create, update, post, put and connect".to_owned()),
        }
    }

    fn store(&mut self, object: Value, user: &str, is_old: bool) {
        self.last = id(&object);
        let before = self.stored.get(&self.last);
        let is_old = before.map_or(is_old, |before| before.is_old);
        let user = before.map_or(user, |before| &before.user).to_owned();
        self.stored.insert(self.last.clone(), Stored { object, user, is_old });
    }

    /// Creates an object.
    pub(crate) fn create(
        &mut self,
        object: Value,
        user: &str,
        then: Option<&Value>,
        dry_run: bool,
    ) -> Result<(), String> {
        let request = Request {
            operation: "CREATE",
            user,
            resource: None,
            subresource: "",
            object: filled_in(object),
            old: Value::Null,
            dry_run,
        };
        let object = self.admitted(request, then)?;
        if !dry_run {
            self.store(object, user, false);
        }
        Ok(())
    }

    fn update(&mut self, of: &str, update: &Value, step: &Step) -> Result<(), String> {
        self.update_by(of, update, &step.user, &step.subresource, step.then.as_ref())
    }

    /// Changes an object.
    pub(crate) fn update_by(
        &mut self,
        of: &str,
        update: &Value,
        user: &str,
        subresource: &str,
        then: Option<&Value>,
    ) -> Result<(), String> {
        let old = self.stored.get(of).ok_or_else(|| format!("there is no {of}"))?.object.clone();
        let mut object = old.clone();
        change(&mut object, update)?;
        let operation = "UPDATE";
        let request = Request { operation, user, resource: None, subresource, object, old, dry_run: false };
        let object = self.admitted(request, then)?;
        self.store(object, user, false);
        Ok(())
    }

    /// Sends an object that is not stored to a subresource of one that is.
    fn send(&mut self, operation: &str, of: &str, object: &Value, step: &Step) -> Result<(), String> {
        self.send_by(operation, of, object, &step.user, &step.subresource)
    }

    /// The same, by somebody.
    pub(crate) fn send_by(
        &mut self,
        operation: &str,
        of: &str,
        object: &Value,
        user: &str,
        subresource: &str,
    ) -> Result<(), String> {
        let parent = &self.stored.get(of).ok_or_else(|| format!("there is no {of}"))?.object;
        let mut object = object.clone();
        for key in ["name", "namespace"] {
            object["metadata"][key] = parent["metadata"][key].clone();
        }
        let old = if operation == "UPDATE" { object.clone() } else { Value::Null };
        let resource = Some(plural(parent["kind"].as_str().unwrap()));
        let request = Request { operation, user, resource, subresource, object, old, dry_run: false };
        self.admitted(request, None).map(|_| ())
    }

    /// Removes an object.
    pub(crate) fn remove(&mut self, of: &str, user: &str) -> Result<(), String> {
        let old = self.stored.remove(of).ok_or_else(|| format!("there is no {of}"))?.object;
        let request = Request {
            operation: "DELETE",
            user,
            resource: None,
            subresource: "",
            object: Value::Null,
            old,
            dry_run: false,
        };
        request.ask(Entry::Validate, self.snapshot).map(|_| ())
    }

    /// The object as it is stored in the end: after `/mutate`, other webhooks, `/mutate` again where they changed
    /// something, and `/validate`.
    fn admitted(&self, mut request: Request<'_>, then: Option<&Value>) -> Result<Value, String> {
        self.stamp(&mut request)?;
        if let Some(then) = then {
            change(&mut request.object, then)?;
            self.stamp(&mut request)?;
        }
        if let Some(patch) = request.ask(Entry::Mutate, self.snapshot)? {
            return Err(format!("A11: what is stamped is stamped again: {patch}"));
        }
        // The API server generates names when the mutating webhooks are done.
        let metadata = &mut request.object["metadata"];
        if let (None, Some(prefix)) = (metadata["name"].as_str(), metadata["generateName"].as_str()) {
            metadata["name"] = json!(format!("{prefix}{GENERATED}"));
        }
        match request.ask(Entry::Validate, self.snapshot)? {
            None => Ok(request.object),
            Some(patch) => Err(format!("K2: the validating webhook patches: {patch}")),
        }
    }

    fn stamp(&self, request: &mut Request<'_>) -> Result<(), String> {
        let Some(patch) = request.ask(Entry::Mutate, self.snapshot)? else { return Ok(()) };
        let kind = request.object["kind"].as_str().unwrap_or_default();
        let is_stamped = match kind {
            "Pod" => {
                request.subresource.is_empty() && (request.operation == "CREATE" || request.is_of_gated_pod())
            }
            "DaemonSet" => request.subresource.is_empty(),
            _ => false,
        };
        if !is_stamped {
            return Err(format!(
                "A17: {} {kind} {} is patched: {patch}",
                request.operation, request.subresource
            ));
        }
        change(&mut request.object, &patch)
    }
}
