//! The pages about rules that are in the program: what `docs/rules` says, which is generated from the rules' own docs.

use partywall_core::rule_id::RuleId;

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
}
