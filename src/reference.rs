//! The pages about rules and fields that are in the program.
//!
//! `docs/rules` is generated from the rules' own docs, `policies/REFERENCE.md` from the doc comments of the objects;
//! tests keep both fresh.

use std::fmt::Write as _;

use partywall_core::rule_id::RuleId;
use partywall_core::tenancy::did_you_mean;
use thiserror::Error;

/// The page about the fields of all objects.
const FIELDS: &str = include_str!("../policies/REFERENCE.md");

/// Nothing has a name.
#[derive(Debug, Error)]
pub(crate) enum NotFound {
    /// The rule that was probably meant.
    #[error("there is no rule `{0}`{1}; `partywall explain rules` lists them")]
    Rule(String, String),
    /// The field that was probably meant.
    #[error("there is no field, object or rule `{0}`{1}; `partywall explain` lists the objects")]
    Field(String, String),
}

/// Declares the function that returns the page of a rule.
macro_rules! pages {
    ($($variant:ident = $id:literal),* $(,)?) => {
        /// Returns the page of a rule, as Markdown.
        const fn page(rule: RuleId) -> &'static str {
            match rule {
                $(RuleId::$variant => include_str!(concat!("../docs/rules/", $id, ".md")),)*
            }
        }
    };
}

pages! {
    NodePlacement = "node-placement",
    Tolerations = "tolerations",
    PodSecurity = "pod-security",
    ServiceExposure = "service-exposure",
    IngressHosts = "ingress-hosts",
    ControllerInjection = "controller-injection",
    Scheduler = "scheduler",
    PriorityClass = "priority-class",
    RuntimeClass = "runtime-class",
    PodAffinity = "pod-affinity",
    ImageRegistries = "image-registries",
    IngressClass = "ingress-class",
    Endpoints = "endpoints",
    IngressAnnotations = "ingress-annotations",
    PodNetworks = "pod-networks",
    RouteHosts = "route-hosts",
    CertificateNames = "certificate-names",
    ForeignRoutes = "foreign-routes",
    DeviceClaims = "device-claims",
    Storage = "storage",
    CopiedObjects = "copied-objects",
    ManagedObjects = "managed-objects",
    Namespaces = "namespaces",
}

/// Returns what a rule does and why, as Markdown, without the example.
pub(crate) fn help(rule: RuleId) -> &'static str {
    let page = page(rule);
    let (_, text) = page.split_once("## What it does").unwrap_or(("", page));
    text.split_once("\n## Example").map_or(text, |(text, _)| text).trim()
}

/// Returns the address of a rule's page.
pub(crate) fn address(rule: RuleId) -> String {
    format!("{}/blob/main/docs/rules/{rule}.md", env!("CARGO_PKG_REPOSITORY"))
}

/// Returns the first sentence of a text.
pub(crate) fn sentence(text: &str) -> String {
    let (first, _) = text.split_once([';', ':']).unwrap_or((text, ""));
    let (first, _) = first.split_once(". ").unwrap_or((first, ""));
    format!("{}.", first.trim_end_matches('.'))
}

/// Returns what there is to explain.
pub(crate) fn overview() -> String {
    let mut text = "Objects:\n".to_owned();
    for (name, about) in objects() {
        line(&mut text, name, first(about));
    }
    text.push_str("\nRules:\n");
    for rule in RuleId::ALL {
        line(&mut text, rule.as_str(), &sentence(rule.summary()));
    }
    text.push_str(
        "\n`partywall explain tenant` lists the fields of an object, `partywall explain tenant.spec.services` says \
         what one means, and `partywall explain rule tolerations` what a rule does.\n",
    );
    text
}

/// Returns the rules, each with its summary.
pub(crate) fn list_of_rules() -> String {
    let mut text = String::new();
    for rule in RuleId::ALL {
        line(&mut text, rule.as_str(), rule.summary());
    }
    text
}

/// Returns the page of a rule.
pub(crate) fn explain_rule(id: &str) -> Result<String, NotFound> {
    let rule: RuleId = id.parse().map_err(|_| {
        NotFound::Rule(id.to_owned(), did_you_mean(id, RuleId::ALL.iter().map(|rule| rule.as_str())))
    })?;
    Ok(without_links(page(rule)))
}

/// Returns what an object or a field is, with what is below it; or the page of a rule.
pub(crate) fn explain(path: &str) -> Result<String, NotFound> {
    let wanted = path.trim_end_matches('.');
    let wanted = wanted.strip_prefix("rule.").unwrap_or(wanted);
    if wanted.parse::<RuleId>().is_ok() {
        return explain_rule(wanted);
    }
    if let Some((name, about)) = objects().find(|(name, _)| is_same(name, wanted)) {
        return Ok(with_fields(name, about, &format!("{name}.spec.")));
    }
    // `tenant.services` is as clear as `tenant.spec.services`.
    let with_spec = wanted.split_once('.').map(|(kind, rest)| format!("{kind}.spec.{rest}"));
    let is_wanted =
        |name: &str| is_same(name, wanted) || with_spec.as_deref().is_some_and(|path| is_same(name, path));
    match fields().find(|(name, _)| is_wanted(name)) {
        Some((name, about)) => Ok(with_fields(name, about, &format!("{name}."))),
        None => {
            let names: Vec<_> = fields().map(|(name, _)| plain(name)).collect();
            let rules = RuleId::ALL.iter().map(|rule| rule.as_str());
            let candidates =
                names.iter().map(String::as_str).chain(objects().map(|(name, _)| name)).chain(rules);
            let meant = did_you_mean(&plain(with_spec.as_deref().unwrap_or(wanted)), candidates);
            Err(NotFound::Field(wanted.to_owned(), meant))
        }
    }
}

/// Returns the fields directly below one of an object's spec, each with what it means that the field is absent.
pub(crate) fn children(kind: &str, parent: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let dot = if parent.is_empty() { "" } else { "." };
    let prefix = format!("{kind}.spec.{parent}{dot}");
    fields().filter_map(move |(name, about)| {
        let name = name.strip_prefix(&prefix).filter(|name| !name.contains(['.', '[']))?;
        let (summary, _) = about.split_once("\n\n").unwrap_or((about, ""));
        let (_, absent) = summary.split_once("; absent: ").unwrap_or((summary, ""));
        Some((name, absent.strip_suffix('.').unwrap_or(absent)))
    })
}

/// Returns the objects, each with the text about it.
fn objects() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.split("\n## ").skip(1).filter_map(|section| {
        let (name, rest) = section.split_once('\n')?;
        let (about, _) = rest.split_once("\n### ").unwrap_or((rest, ""));
        Some((name.trim(), about.trim()))
    })
}

/// Returns the fields, each with the text about it.
fn fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.split("\n### `").skip(1).filter_map(|section| {
        let (name, rest) = section.split_once("`\n")?;
        let (about, _) = rest.split_once("\n## ").unwrap_or((rest, ""));
        Some((name, about.trim()))
    })
}

/// Compares names without regard to case, and to whether lists have brackets.
fn is_same(name: &str, wanted: &str) -> bool {
    plain(name) == plain(wanted)
}

fn plain(path: &str) -> String {
    path.replace("[]", "").to_lowercase()
}

fn with_fields(name: &str, about: &str, prefix: &str) -> String {
    let mut text = format!("{name}\n\n{}", without_links(about));
    let prefix = plain(prefix);
    let mut below = fields().filter(|(field, _)| plain(field).starts_with(&prefix)).peekable();
    if below.peek().is_some() {
        text.push_str("\nFields:\n");
    }
    for (field, about) in below {
        // The first paragraph says the type, and whether the field is required.
        let meaning = about.split("\n\n").nth(1).unwrap_or(about);
        line(&mut text, field, first(meaning));
    }
    text
}

fn line(text: &mut String, name: &str, about: &str) {
    // INVARIANT: writing to a String cannot fail.
    let _ = writeln!(text, "  {name}\n      {about}");
}

/// Returns the first sentence, as it stands.
fn first(text: &str) -> &str {
    let end = text.find(". ").or_else(|| text.find(".\n")).map_or(text.len(), |end| end + 1);
    text.get(..end).unwrap_or(text)
}

/// Returns a page without comments, and without the targets of links to other pages.
fn without_links(page: &str) -> String {
    let mut text = String::new();
    let lines = page.lines().filter(|line| !line.starts_with("<!--"));
    for line in lines {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            match before.rsplit_once('[') {
                Some((start, words)) if !target.contains("://") => {
                    text.push_str(start);
                    text.push_str(words);
                }
                _ => {
                    text.push_str(before);
                    text.push_str("](");
                    text.push_str(target);
                    text.push(')');
                }
            }
            rest = after;
        }
        text.push_str(rest);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.replace("\n\n\n", "\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_help_without_its_example() {
        for rule in RuleId::ALL {
            let help = help(rule);
            assert!(page(rule).starts_with(&format!("# {rule}\n")), "{rule}");
            assert!(help.starts_with(rule.summary()), "{rule}: {help}");
            assert!(help.contains("\n## Why\n") && !help.contains("## Example"), "{rule}: {help}");
            assert!(!help.contains("](../"), "{rule}: a relative link leads nowhere in a report");
        }
    }

    #[test]
    fn every_object_and_field_of_the_reference_is_found() {
        assert!(objects().count() >= 4);
        assert!(fields().count() > 50);
        for (name, about) in objects().chain(fields()) {
            assert!(!about.is_empty(), "{name}");
            assert!(explain(name).unwrap().starts_with(&format!("{name}\n\n")), "{name}");
        }
    }

    #[test]
    fn fields_have_those_directly_below_them_and_the_meaning_of_absence() {
        let below: Vec<_> = children("Tenant", "services").map(|(name, _)| name).collect();
        assert!(below.contains(&"types") && !below.contains(&"services"), "{below:?}");
        let of_taints: Vec<_> = children("NodePool", "").collect();
        assert_eq!(of_taints.len(), 3, "{of_taints:?}");
        for kind in ["Tenant", "Settings"] {
            for (field, absent) in children(kind, "") {
                assert!(!absent.is_empty() && !absent.ends_with('.'), "{kind}.{field}");
            }
        }
    }

    #[test]
    fn links_to_other_pages_lose_their_targets() {
        let page = "# A\n\n<!-- generated -->\n\nSee [b](../b.md#c), [d](https://example.com) and [e](f).\n";
        assert_eq!(without_links(page), "# A\n\nSee b, [d](https://example.com) and e.\n");
    }
}
