//! `docs/rules`: a page for each rule, from its `//!` doc, its fixtures, and the fields that concern it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use partywall_core::rule_id::{HoldsIn, RuleId};

use crate::reference::{self, Field};
use crate::{keep, links, root};

/// The policies by which the fixtures are judged.
const POLICIES: &str = "tests/fixtures/rules/policies.yaml";
/// The messages to all fixtures that are denied; `tests/core/fixtures.rs` tests them.
const MESSAGES: &str = "tests/core/snapshots/core__fixtures__messages.snap";
/// Every attack, with the rules that stop it.
const ATTACKS: &str = "policies/ATTACKS.md";

/// The fixtures that the page shows: one that is denied, and one that is allowed.
const fn examples(rule: RuleId) -> [&'static str; 2] {
    match rule {
        RuleId::NodePlacement => ["a6-selector-of-a-foreign-pool", "own-pool-by-selector"],
        RuleId::Tolerations => ["b1-everything", "own-pool"],
        RuleId::PodSecurity => ["e1-privileged", "plain"],
        RuleId::ServiceExposure => ["f1-load-balancer", "cluster-ip"],
        RuleId::IngressHosts => ["foreign-host", "own-host"],
        RuleId::ControllerInjection => ["o11-a-path-that-does-not-compile", "g15-pattern"],
        RuleId::Scheduler => ["c8-none-of-the-listed", "listed"],
        RuleId::PriorityClass => ["c13-none-of-the-listed", "listed"],
        RuleId::RuntimeClass => ["c11-none-of-the-listed", "listed"],
        RuleId::PodAffinity => ["c12-all-namespaces", "own-namespace"],
        RuleId::ImageRegistries => ["another-registry", "listed"],
        RuleId::IngressClass => ["g9-none-of-the-listed", "listed"],
        RuleId::Endpoints => ["f9-endpoints-by-hand", "a-lock-without-addresses"],
        RuleId::IngressAnnotations => ["g7-auth-of-a-foreign-host", "auth-of-an-own-host"],
        RuleId::PodNetworks => ["o15-a-network-of-another", "o15-networks-of-its-own"],
        RuleId::RouteHosts => ["g1-not-below-its-domain", "own-host"],
        RuleId::CertificateNames => ["g25-a-foreign-dns-name", "hosts-of-its-domains"],
        RuleId::ForeignRoutes => ["g26-a-foreign-host", "a-listed-kind-with-its-own-host"],
        RuleId::DeviceClaims => ["c14-administrator-access", "a-device-of-its-own"],
        RuleId::Storage => ["h1-a-volume-that-is-not-listed", "h1-a-listed-volume"],
        RuleId::CopiedObjects => ["replicated-into-another-namespace", "replicated-within-the-tenant"],
        RuleId::ManagedObjects => ["f13-deleted", "a-policy-of-its-own-deleted"],
        RuleId::Namespaces => {
            ["i1-a-tenants-namespace-labelled-as-anothers", "i1-a-tenants-namespace-with-its-own-label"]
        }
    }
}

/// The fields that concern a rule, beside its mode and exemptions from it.
const fn options(rule: RuleId) -> &'static [&'static str] {
    match rule {
        RuleId::NodePlacement => &[
            "NodePool.spec.nodeSelector",
            "NodePool.spec.taints",
            "Tenant.spec.nodePools",
            "Settings.spec.stamp",
            "Settings.spec.controllers.bindings",
        ],
        RuleId::Tolerations => &[
            "NodePool.spec.taints",
            "Tenant.spec.nodePools",
            "Tenant.spec.tolerations",
            "Settings.spec.tolerations",
            "Settings.spec.otherTaints",
            "Settings.spec.provider",
        ],
        RuleId::PodSecurity => &["Tenant.spec.podSecurity", "Settings.spec.userNamespaces"],
        RuleId::ServiceExposure => &["Tenant.spec.services", "Settings.spec.controllers.services"],
        RuleId::IngressHosts => &["Tenant.spec.domains"],
        RuleId::ControllerInjection => &["Tenant.spec.annotations", "Settings.spec.annotationPrefixes"],
        RuleId::Scheduler => &["Tenant.spec.schedulers", "Settings.spec.controllers.bindings"],
        RuleId::PriorityClass => &["Tenant.spec.priorityClasses"],
        RuleId::RuntimeClass => &["Tenant.spec.runtimeClasses"],
        RuleId::PodAffinity => {
            &["Tenant.spec.namespaces", "Tenant.spec.podAffinity", "Tenant.spec.nodePools"]
        }
        RuleId::ImageRegistries => &["Tenant.spec.imageRegistries"],
        RuleId::IngressClass => &["Tenant.spec.ingressClasses"],
        RuleId::Endpoints => &["Tenant.spec.endpoints", "Settings.spec.controllers.endpoints"],
        RuleId::IngressAnnotations => &[
            "Tenant.spec.annotations",
            "Tenant.spec.domains",
            "Tenant.spec.services.loadBalancerIPs",
            "Tenant.spec.certificateIssuers",
            "Settings.spec.annotationPrefixes",
            "Settings.spec.annotationDomains",
            "Settings.spec.loginHosts",
        ],
        RuleId::PodNetworks => &["Tenant.spec.annotations", "Settings.spec.annotationDomains"],
        RuleId::RouteHosts => &[
            "Tenant.spec.domains",
            "Tenant.spec.gatewayClasses",
            "Tenant.spec.gatewayListeners",
            "Tenant.spec.gateways",
            "Tenant.spec.services.types",
            "Tenant.spec.services.loadBalancerIPs",
            "Tenant.spec.annotations",
            "Settings.spec.foreignRoutes",
        ],
        RuleId::CertificateNames => &[
            "Tenant.spec.domains",
            "Tenant.spec.certificateIssuers",
            "Tenant.spec.tls",
            "Settings.spec.controllers.certificates",
            "Settings.spec.platform",
        ],
        RuleId::ForeignRoutes => {
            &["Tenant.spec.domains", "Settings.spec.foreignRoutes", "Settings.spec.controllers.routes"]
        }
        RuleId::DeviceClaims => {
            &["Tenant.spec.tolerations", "Tenant.spec.nodePools", "Settings.spec.tolerations"]
        }
        RuleId::Storage => &[
            "Tenant.spec.storage",
            "Tenant.spec.annotations",
            "Settings.spec.controllers.volumes",
            "Settings.spec.controllers.bindings",
        ],
        RuleId::CopiedObjects => &["Tenant.spec.annotations", "Settings.spec.platform"],
        RuleId::ManagedObjects => &["Settings.spec.platform"],
        RuleId::Namespaces => &["Settings.spec.platform", "Settings.spec.systemNamespaces"],
    }
}

/// Where a rule applies, after `It applies`.
pub(crate) const fn place(rule: RuleId) -> &'static str {
    match rule.holds_in() {
        HoldsIn::Tenants => "in tenants' namespaces",
        HoldsIn::TenantsAndUnclaimed => {
            "in every namespace but the system namespaces, since it also protects tenants' pools and volumes from \
             other namespaces"
        }
        HoldsIn::NamespaceObjects => "to every Namespace object, also to those of system namespaces",
    }
}

/// The folder or file of a rule in the code: `node-placement` is in `node_placement.rs`.
fn source(rule: RuleId) -> String {
    format!("core/src/rules/{}.rs", rule.as_str().replace('-', "_"))
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The paragraphs of the rule's `//!` doc: what it does first, then why. What only programmers need is left out.
fn paragraphs(rule: RuleId) -> Vec<String> {
    let source = read(&source(rule));
    let lines: Vec<_> = source
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| line.trim_start_matches("//!").trim_end())
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let paragraphs = lines.split(|line| line.is_empty()).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|lines| plain(&lines.join("\n"))).filter(|text| !text.starts_with("INVARIANT")).collect()
}

/// The text without rustdoc's links to items: [`a::B`] is `B`.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((path, after)) = after.split_once("`]") else { break };
        let name = path.rsplit("::").next().unwrap();
        write!(plain, "{before}`{name}`").unwrap();
        rest = after;
    }
    plain + rest
}

/// A fixture as its author wrote it, without the comment that stands above it.
fn fixture(rule: RuleId, verdict: &str, name: &str) -> String {
    let text = read(&format!("tests/fixtures/rules/{rule}/{verdict}/{name}.yaml"));
    text.lines().skip_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// The document of the fixtures' policies that is the tenant of an object.
fn tenant(object: &str) -> Option<String> {
    let object = serde_saphyr::from_multiple::<serde_json::Value>(object).unwrap().pop().unwrap();
    let metadata = &object["metadata"];
    let namespace = if object["kind"] == "Namespace" { &metadata["name"] } else { &metadata["namespace"] };
    let policies = read(POLICIES);
    let documents = policies.split("\n---\n").map(|text| {
        let lines = text.lines().skip_while(|line| line.starts_with('#'));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    });
    documents.into_iter().find(|text| {
        let document: serde_json::Value = serde_saphyr::from_str(text).unwrap();
        let namespaces = document["spec"]["namespaces"].as_array();
        document["kind"] == "Tenant" && namespaces.is_some_and(|names| names.contains(namespace))
    })
}

/// Returns the message to a fixture that is denied.
fn message(rule: RuleId, name: &str) -> String {
    let id = format!("{rule}/deny/{name}");
    let messages = read(MESSAGES);
    let lines = messages.lines().skip_while(|line| *line != id).skip(1);
    let message: Vec<_> = lines.map_while(|line| line.strip_prefix("  ")).collect();
    assert!(!message.is_empty(), "{MESSAGES} has no {id}");
    message.join("\n")
}

/// The first sentence of a text.
fn sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

fn option(path: &str, fields: &[Field], page: &mut String) {
    let field = fields.iter().find(|field| field.path == path).unwrap_or_else(|| panic!("no field {path}"));
    let anchor = links::slug(&field.path);
    writeln!(page, "| [`{path}`](../../policies/REFERENCE.md#{anchor}) | {}. |", sentence(&field.text))
        .unwrap();
}

/// The rows of the catalogue of attacks that name a rule, by section.
fn attacks(rule: RuleId) -> Vec<(String, Vec<String>)> {
    let catalogue = read(ATTACKS);
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for line in catalogue.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            sections.push((heading.to_owned(), Vec::new()));
        } else if line.contains(&format!("`{rule}`"))
            && let (Some((_, rows)), Some(row)) = (sections.last_mut(), line.split('|').nth(1))
        {
            rows.push(row.trim().to_owned());
        }
    }
    sections.retain(|(_, rows)| !rows.is_empty());
    sections
}

/// The addresses of other sites that a text names.
fn addresses(text: &str) -> BTreeSet<String> {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, ')' | '>' | '`' | ',');
    let words = text.split("https://").skip(1).filter_map(|rest| rest.split(is_end).next());
    words.map(|rest| format!("https://{}", rest.trim_end_matches('.'))).collect()
}

fn page(rule: RuleId, fields: &[Field]) -> String {
    let [denied, allowed] = examples(rule);
    let doc = paragraphs(rule);
    // The first paragraph says what the registry says too.
    let [_, why @ ..] = doc.as_slice() else { panic!("{} has no doc", source(rule)) };
    assert!(!why.is_empty(), "{} does not say why", source(rule));
    let mut page = format!(
        "# {rule}\n\n\
        <!-- Generated from {} and the fixtures: UPDATE_DOCS=1 cargo test --test docs -->\n\n\
        ## What it does\n\n{}\n\nIt applies {}.\n\n\
        ## Why\n",
        source(rule),
        rule.summary(),
        place(rule),
    );
    for paragraph in why {
        write!(page, "\n{paragraph}\n").unwrap();
    }
    let objects = [fixture(rule, "deny", denied), fixture(rule, "allow", allowed)];
    let tenants = objects.each_ref().map(|object| tenant(object));
    assert_eq!(tenants[0], tenants[1], "{rule}: the examples are of two tenants");
    page.push_str("\n## Example\n");
    if let Some(tenant) = &tenants[0] {
        write!(
            page,
            "\nBoth objects belong to this tenant. Its NodePools and the Settings are in \
            [{POLICIES}](../../{POLICIES}).\n\n```yaml\n{tenant}```\n"
        )
        .unwrap();
    }
    if objects.iter().all(|object| object.contains("\nkind: Pod\n")) {
        page.push_str(
            "\nThese are the pods as their authors write them. partywall stamps a pod before the rules judge it.\n",
        );
    }
    if objects.iter().any(|object| object.starts_with("request:")) {
        page.push_str(
            "\nIn these examples the first document describes the request, and the second is its object.\n",
        );
    }
    let [denied_object, allowed_object] = &objects;
    write!(
        page,
        "\nDenied ([{denied}.yaml](../../tests/fixtures/rules/{rule}/deny/{denied}.yaml)):\n\n\
        ```yaml\n{denied_object}```\n\nwith the message:\n\n```text\n{}\n```\n\n\
        Allowed ([{allowed}.yaml](../../tests/fixtures/rules/{rule}/allow/{allowed}.yaml)):\n\n\
        ```yaml\n{allowed_object}```\n",
        message(rule, denied)
    )
    .unwrap();
    page.push_str("\n## Options\n\n| field | meaning |\n|---|---|\n");
    for path in
        options(rule).iter().chain(&["Settings.spec.rules", "Tenant.spec.rules", "Exemption.spec.rules"])
    {
        option(path, fields, &mut page);
    }
    page.push_str("\n## References\n\n");
    if rule == RuleId::PodSecurity {
        page.push_str(
            "- [The controls](../../policies/RULES.md#pod-security), and the versions in which each applies\n\
            - <https://kubernetes.io/docs/concepts/security/pod-security-standards/>\n",
        );
    }
    for address in addresses(&doc.join("\n")) {
        writeln!(page, "- <{address}>").unwrap();
    }
    for (section, rows) in attacks(rule) {
        let anchor = links::slug(&section);
        writeln!(page, "- [{section}](../../{ATTACKS}#{anchor}): {}", rows.join(", ")).unwrap();
    }
    writeln!(page, "- The code: [{0}](../../{0})", source(rule)).unwrap();
    writeln!(page, "- All fixtures: [tests/fixtures/rules/{rule}](../../tests/fixtures/rules/{rule})")
        .unwrap();
    page
}

/// The list of the pages.
fn index() -> String {
    let mut text = "# Rules\n\nEach rule has a page: what it does, why, an example that it denies and one that it \
        allows, and the fields that concern it. Generated: `UPDATE_DOCS=1 cargo test --test docs`.\n\n\
        [RULES.md](../../policies/RULES.md) lists the controls of `pod-security`, and the versions in which each \
        applies.\n\n| rule | what it enforces |\n|---|---|\n"
        .to_owned();
    for rule in RuleId::ALL {
        writeln!(text, "| [`{rule}`]({rule}.md) | {} |", rule.summary()).unwrap();
    }
    text
}

#[test]
fn every_rule_has_a_page_and_every_page_is_a_rules() {
    let fields = reference::fields();
    keep("docs/rules/README.md", &index());
    for rule in RuleId::ALL {
        keep(&format!("docs/rules/{rule}.md"), &page(rule, &fields));
    }
    let files = fs::read_dir(root().join("docs/rules")).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    let mut expected: Vec<_> = RuleId::ALL.iter().map(|rule| format!("{rule}.md")).collect();
    expected.push("README.md".to_owned());
    expected.sort_unstable();
    assert_eq!(names, expected, "docs/rules has a page of no rule");
}
