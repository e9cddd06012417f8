//! Judges claims to hosts, by objects of any kind: the tenant must own each host.

use std::cell::OnceCell;
use std::fmt;

use crate::hosts::{Domains, Host, HostError};
use crate::json::Escaped;
use crate::judging::Findings;
use crate::work;

/// Judges claims to hosts.
pub(crate) struct HostClaims<'c, 'f> {
    domains: &'c Domains,
    /// The domains as messages list them, formatted on first use.
    listed: OnceCell<String>,
    /// The findings that receive the violations.
    pub(crate) findings: &'c mut Findings<'f>,
}

impl<'c, 'f> HostClaims<'c, 'f> {
    /// Returns a judge of claims for the owner of `domains`.
    pub(crate) fn on(domains: &'c Domains, findings: &'c mut Findings<'f>) -> Self {
        Self { domains, listed: OnceCell::new(), findings }
    }

    /// Returns whether the domains contain a host, at any depth below it if it is a wildcard.
    pub(crate) fn are_of_domains(&self, host: &Host) -> bool {
        self.domains.owns(host)
    }

    /// Judges a claim to `host`; `source` names the claim and is part of its identity.
    ///
    /// A source that a tenant chose and that several hosts share is a [`crate::judging::Digest`].
    pub(crate) fn host(&mut self, field: &dyn fmt::Display, source: &dyn fmt::Display, host: &str) {
        self.claim(field, host, &format_args!("{source}={host}"));
    }

    /// Judges a claim to `host` as the Gateway API reads it; returns whether a violation counts.
    ///
    /// There `*.d` matches every name below `d`, at any depth.
    pub(crate) fn host_and_below(
        &mut self,
        field: &dyn fmt::Display,
        source: &dyn fmt::Display,
        host: &str,
    ) -> bool {
        let identity = format_args!("{source}={host}");
        let parsed = Host::parse(host);
        let base = match &parsed {
            Ok(one_label @ Host::Wildcard(base))
                if self.domains.owns(one_label) && !self.domains.owns_all_below(base) =>
            {
                Escaped(base)
            }
            _ => return self.claim(field, host, &identity),
        };
        let message = format_args!(
            "`*.{base}` matches hosts at any depth here, and not all of them are in the tenant's domains; list the \
             hosts one by one, or ask the platform team to add `**.{base}` to the tenant's `domains`"
        );
        self.findings.add_whole(field, &message, &identity)
    }

    fn claim(&mut self, field: &dyn fmt::Display, host: &str, identity: &dyn fmt::Display) -> bool {
        if !work::charge(1) {
            return false;
        }
        match Host::parse(host) {
            Ok(parsed) if self.domains.owns(&parsed) => false,
            Ok(_) => self.report(
                field,
                &format_args!("`{}` is not in the tenant's domains", Escaped(host)),
                identity,
            ),
            Err(error @ HostError::Empty) => self.report(field, &error, identity),
            Err(error) => self.report(field, &format_args!("`{}`: {error}", Escaped(host)), identity),
        }
    }

    /// Reports a problem that a host of the tenant's own would solve; returns whether it counts.
    pub(crate) fn report(
        &mut self,
        field: &dyn fmt::Display,
        problem: &dyn fmt::Display,
        identity: &dyn fmt::Display,
    ) -> bool {
        /// The number of domains that a message lists.
        const LISTED: usize = 5;
        let Self { domains, listed, findings } = self;
        let advice = || {
            if domains.is_empty() {
                return "the tenant has no `domains`, ask the platform team to add one".to_owned();
            }
            let first = domains.first();
            let patterns = domains.patterns().map(|pattern| format!("`{pattern}`"));
            let listed = first.iter().map(|domain| format!("`{domain}`")).chain(patterns);
            let listed: Vec<_> = listed.take(LISTED).collect();
            let more = if domains.len() > LISTED { " and more" } else { "" };
            format!(
                "use a host in {}{more}, or ask the platform team to extend the tenant's `domains`",
                listed.join(", ")
            )
        };
        let message = fmt::from_fn(|f| write!(f, "{problem}; {}", listed.get_or_init(advice)));
        findings.add_whole(field, &message, identity)
    }
}
