//! What must hold before clients may send reviews here.

use std::fmt::Write as _;

use axum::http::StatusCode;
use tokio::sync::watch;

/// Why a condition does not hold; `None` means that it does.
pub type Unready = Option<&'static str>;

/// The conditions of a server, beside that it has policies and is not draining.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Vec<(&'static str, watch::Receiver<Unready>)>);

impl Readiness {
    /// Adds a condition.
    #[must_use]
    pub fn and(mut self, name: &'static str, unready: watch::Receiver<Unready>) -> Self {
        self.0.push((name, unready));
        self
    }

    /// Answers a probe; `first` are the conditions of the server itself.
    ///
    /// In short it is `ok` or the first reason, and in full all conditions with their reasons.
    pub(super) fn answer(&self, first: &[(&'static str, Unready)], is_verbose: bool) -> (StatusCode, String) {
        let further = self.0.iter().map(|(name, unready)| (*name, *unready.borrow()));
        let conditions: Vec<(&str, Unready)> = first.iter().copied().chain(further).collect();
        let reason = conditions.iter().find_map(|(_, unready)| *unready);
        let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let last = reason.unwrap_or("ok");
        let mut text = String::new();
        if is_verbose {
            for (name, unready) in &conditions {
                // Writing to a `String` does not fail.
                let _written = match unready {
                    None => writeln!(text, "[+] {name}"),
                    Some(reason) => writeln!(text, "[-] {name}: {reason}"),
                };
            }
        }
        text.push_str(last);
        text.push('\n');
        (status, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_told_the_first_reason_and_on_demand_all() {
        let (schema, receiver) = watch::channel(Some("the definitions are old"));
        let (_trust, trusted) = watch::channel(Some("the certificate is not trusted"));
        let readiness = Readiness::default().and("schema", receiver).and("certificate", trusted);
        let (status, text) = readiness.answer(&[("policies", None)], false);
        assert_eq!((status, &*text), (StatusCode::SERVICE_UNAVAILABLE, "the definitions are old\n"));
        schema.send_replace(None);
        let (_, text) = readiness.answer(&[("policies", None)], true);
        let told = "[+] policies\n[+] schema\n[-] certificate: the certificate is not trusted\n\
                    the certificate is not trusted\n";
        assert_eq!(text, told);
        assert_eq!(Readiness::default().answer(&[], true), (StatusCode::OK, "ok\n".to_owned()));
    }
}
