//! Writes random pods and random changes of them.

use super::case::Edit;
use super::choices::Choices;
use super::kube::{
    Affinity, Container, Gate, Labels, NODE_NAME, NodeAffinity, NodeSelector, Pod, PodAntiAffinity, PodTerm,
    Preferred, Requirement, Resources, Selector, Term, Toleration,
};
use super::world::{DISK, HOSTNAME, KEYS, TAINT_KEYS, TOPOLOGIES, Tenant, UNCLAIMED, VALUES, World};

/// Whoever writes a pod or changes one.
pub(crate) struct Pen<'w> {
    pub(crate) world: &'w World,
    pub(crate) owner: Option<&'w Tenant>,
    /// Means well, most of the time.
    pub(crate) is_benign: bool,
}

impl Pen<'_> {
    pub(crate) fn pod(&self, choices: &mut Choices<'_>) -> Pod {
        let node_selector = if choices.chance(25) && self.is_benign {
            self.all_labels(choices)
        } else {
            let labels = choices.some(40, 2, |choices| self.label(choices));
            labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
        };
        let mut affinity = self.affinity(choices);
        if choices.chance(22) {
            let required = choices.some(90, 2, |choices| self.pod_term(choices));
            affinity.get_or_insert_default().pod_anti_affinity = Some(PodAntiAffinity { required });
        }
        let mut tolerations = choices.some(45, 3, |choices| self.toleration(choices));
        let mut resources = Resources::default();
        if choices.chance(12) {
            // The API server may tolerate the taint of a device that the pod requests.
            let device = TAINT_KEYS[2].to_owned();
            resources.limits.insert(device.clone(), "1".to_owned());
            let (operator, effect) = ("Exists".to_owned(), "NoSchedule".to_owned());
            tolerations.push(Toleration { key: device, operator, effect, ..Toleration::default() });
        }
        let names_node = choices.chance(if self.is_benign { 2 } else { 10 });
        let node_name = if names_node { self.node(choices) } else { String::new() };
        let gate = choices.chance(30).then(|| Gate { name: "example.com/quota".to_owned() });
        let class = if choices.chance(15) { choices.pick(&["gvisor", "kata"]) } else { "" };
        Pod {
            node_name,
            node_selector,
            affinity,
            tolerations,
            scheduling_gates: gate.into_iter().collect(),
            runtime_class_name: class.to_owned(),
            containers: vec![Container { name: "app".to_owned(), image: "app".to_owned(), resources }],
        }
    }

    fn pod_term(&self, choices: &mut Choices<'_>) -> PodTerm {
        let own = self.owner.map_or(UNCLAIMED, |tenant| &tenant.namespace);
        let by =
            |key: &str, value: &str| Selector { match_labels: [(key.to_owned(), value.to_owned())].into() };
        let mut namespaces = Vec::new();
        let selector = match choices.below(if self.is_benign { 5 } else { 8 }) {
            0 | 4 => None,
            1 => {
                namespaces.push(own.to_owned());
                None
            }
            2 => Some(by("kubernetes.io/metadata.name", own)),
            3 => Some(by("partywall.dev/tenant", own)),
            5 => Some(by("kubernetes.io/metadata.name", UNCLAIMED)),
            6 => {
                namespaces
                    .push(self.world.tenants[choices.below(self.world.tenants.len())].namespace.clone());
                None
            }
            _ => Some(Selector::default()),
        };
        PodTerm {
            topology_key: choices.pick(&TOPOLOGIES).to_owned(),
            label_selector: Some(Selector::default()),
            namespaces,
            namespace_selector: if choices.chance(20) { Some(Selector::default()) } else { selector },
        }
    }

    /// The labels of a pool, its own if it means well.
    fn all_labels(&self, choices: &mut Choices<'_>) -> Labels {
        let own = self.owner.map(|tenant| &*tenant.pools).unwrap_or_default();
        let pool = match own {
            [] => return Labels::new(),
            own => choices.pick(own),
        };
        self.world.pools[pool].labels.clone()
    }

    fn label(&self, choices: &mut Choices<'_>) -> (&'static str, String) {
        if choices.chance(4) {
            return (HOSTNAME, self.node(choices));
        }
        let (key, value) =
            (choices.pick(&[DISK, KEYS[0], KEYS[1], KEYS[2]]), choices.pick(&VALUES).to_owned());
        if self.is_benign && key != DISK {
            let pools = self.owner.map(|tenant| self.world.pools_of(tenant));
            let own: Vec<_> = pools.into_iter().flatten().filter_map(|pool| pool.labels.get(key)).collect();
            return if own.is_empty() { (DISK, value) } else { (key, choices.pick(&own).clone()) };
        }
        (key, value)
    }

    fn node(&self, choices: &mut Choices<'_>) -> String {
        self.world.nodes[choices.below(self.world.nodes.len())].name.clone()
    }

    fn affinity(&self, choices: &mut Choices<'_>) -> Option<Affinity> {
        let shape = choices.below(16);
        let required = match shape {
            0..=3 => return None,
            4 => return Some(Affinity::default()),
            5 => None,
            6 => Some(NodeSelector { node_selector_terms: None }),
            _ => {
                let mut terms = choices.some(65, 2, |choices| self.term(choices));
                // Hardly ever none, which the API server refuses.
                if !choices.chance(5) {
                    terms.push(self.term(choices));
                }
                Some(NodeSelector { node_selector_terms: Some(terms) })
            }
        };
        let preferred =
            choices.some(15, 1, |choices| Preferred { weight: 1, preference: self.term(choices) });
        Some(Affinity { node_affinity: Some(NodeAffinity { required, preferred }), ..Affinity::default() })
    }

    fn term(&self, choices: &mut Choices<'_>) -> Term {
        let match_expressions = choices.some(60, 2, |choices| self.requirement(choices));
        let match_fields = choices.some(22, 1, |choices| {
            let operator = choices.pick(&["In", "In", "NotIn"]);
            let values = if choices.chance(4) { 2 } else { 1 };
            let values = (0..values).map(|_| self.node(choices)).collect();
            Requirement { key: NODE_NAME.to_owned(), operator: operator.to_owned(), values }
        });
        Term { match_expressions, match_fields }
    }

    fn requirement(&self, choices: &mut Choices<'_>) -> Requirement {
        let (key, value) = self.label(choices);
        let operator = choices.pick(&["In", "In", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]);
        let more = choices.some(30, 2, |choices| choices.pick(&VALUES).to_owned());
        let values = match operator {
            // Hardly ever what the API server refuses.
            _ if choices.chance(2) => more,
            "In" | "NotIn" => [vec![value], more].concat(),
            "Gt" | "Lt" => vec![choices.pick(&["5", "6", "7", "a"]).to_owned()],
            _ => Vec::new(),
        };
        Requirement { key: key.to_owned(), operator: operator.to_owned(), values }
    }

    fn toleration(&self, choices: &mut Choices<'_>) -> Toleration {
        let pools: Vec<_> = match self.owner {
            Some(tenant) if self.is_benign => self.world.pools_of(tenant).collect(),
            _ if self.is_benign => Vec::new(),
            _ => self.world.pools.iter().collect(),
        };
        let taints: Vec<_> = pools.into_iter().flat_map(|pool| &pool.taints).collect();
        let grants = self.owner.map(|tenant| &*tenant.grants).unwrap_or_default();
        let (mut key, mut value) = match choices.below(6) {
            0 | 1 if !taints.is_empty() => {
                let taint = choices.pick(&taints);
                (taint.key, taint.value)
            }
            2 if !grants.is_empty() => {
                let grant = &grants[choices.below(grants.len())];
                (grant.key, grant.value.unwrap_or_default())
            }
            3 if !self.is_benign => (choices.pick(&["", "tenant", "zone"]), choices.pick(&VALUES)),
            4 if !self.world.listed.is_empty() => {
                let grant = &self.world.listed[0];
                (grant.key, grant.value.unwrap_or_default())
            }
            4 | 5 if !self.is_benign => {
                (choices.pick(&["node-role.kubernetes.io/control-plane", "other"]), "")
            }
            _ => (choices.pick(&["spot", "node.kubernetes.io/not-ready", "other"]), ""),
        };
        let operators: &[_] =
            if self.is_benign { &["Equal", ""] } else { &["Equal", "", "Exists", "Gt", "Lt"] };
        let mut operator = choices.pick(operators);
        let mut effect = choices.pick(&["", "NoSchedule", "NoExecute", "PreferNoSchedule"]);
        // Mostly what the API server takes.
        if key.is_empty() || key == "node.kubernetes.io/not-ready" || (value.is_empty() && self.is_benign) {
            operator = "Exists";
        }
        if key == "node.kubernetes.io/not-ready" {
            effect = "NoExecute";
        }
        if operator == "Exists" && !choices.chance(3) {
            value = "";
        }
        if matches!(operator, "Gt" | "Lt") && choices.chance(90) {
            value = choices.pick(&["6", "4", "8"]);
        }
        if choices.chance(1) {
            key = "";
        }
        let toleration_seconds = (effect == "NoExecute" && choices.chance(40)).then_some(60);
        Toleration {
            key: key.to_owned(),
            operator: operator.to_owned(),
            value: value.to_owned(),
            effect: effect.to_owned(),
            toleration_seconds,
        }
    }

    pub(crate) fn edit(&self, choices: &mut Choices<'_>) -> Edit {
        let malign = Pen { is_benign: false, ..*self };
        match choices.below(19) {
            0 | 1 => Edit::AddPreferred(self.term(choices)),
            2 | 3 => Edit::Narrow(self.requirement(choices)),
            4 => Edit::AddToleration(malign.toleration(choices)),
            5 => Edit::AddLabel(DISK.to_owned(), choices.pick(&VALUES).to_owned()),
            6 => Edit::DropSelector,
            7 => Edit::ReplaceSelector(choices.pick(&KEYS), choices.pick(&VALUES)),
            8 => Edit::DropAffinity,
            9 => Edit::AddTerm(malign.term(choices)),
            10 => Edit::ReplaceTerms(choices.some(70, 2, |choices| malign.term(choices))),
            11 => Edit::BareFirst,
            12 => Edit::Prefer,
            13 => Edit::Widen(&VALUES[..1 + choices.below(4)]),
            14 => Edit::Weaken(choices.pick(&["NotIn", "Gt", "Lt"]), choices.pick(&VALUES)),
            15 => Edit::DropTolerations,
            16 => Edit::Limit,
            17 => Edit::SetNode(self.node(choices)),
            _ => Edit::SetClass(choices.pick(&["", "gvisor", "kata"])),
        }
    }

    /// One half of the stamp goes, and so does the other.
    pub(crate) fn undoing(&self, choices: &mut Choices<'_>) -> [Edit; 2] {
        let malign = Pen { is_benign: false, ..*self };
        let of_terms = match choices.below(8) {
            0 => Edit::Prefer,
            1 | 7 => Edit::Widen(&VALUES[..2 + choices.below(3)]),
            2 => Edit::Weaken("Exists", ""),
            3 => Edit::Weaken(choices.pick(&["NotIn", "NotIn", "Gt", "Lt"]), choices.pick(&VALUES)),
            4 => Edit::BareFirst,
            _ => Edit::AddTerm(malign.term(choices)),
        };
        [Edit::DropSelector, of_terms]
    }

    /// A queue chooses a pool for the pod that it holds back, and lets it go.
    pub(crate) fn admission(&self, choices: &mut Choices<'_>) -> Vec<Edit> {
        // Mostly another pool than the one that the pod would get anyway.
        let labels = match self.owner.map(|tenant| &*tenant.pools) {
            // A queue without pools of its own only lets it go.
            _ if choices.chance(25) => Labels::new(),
            Some([_, others @ ..]) if !others.is_empty() && choices.chance(75) => {
                self.world.pools[choices.pick(others)].labels.clone()
            }
            _ => self.all_labels(choices),
        };
        let labels = labels.into_iter().map(|(key, value)| Edit::AddLabel(key, value));
        labels.chain(choices.chance(80).then_some(Edit::RemoveGates)).collect()
    }

    pub(crate) fn edit_of_update(&self, choices: &mut Choices<'_>) -> Edit {
        let malign = Pen { is_benign: false, ..*self };
        match choices.below(11) {
            0 | 1 => Edit::AddToleration(self.toleration(choices)),
            2 => Edit::AddToleration(malign.toleration(choices)),
            3 => Edit::RemoveGates,
            4 => Edit::Narrow(malign.requirement(choices)),
            5 => Edit::AddLabel(DISK.to_owned(), choices.pick(&VALUES).to_owned()),
            6..=8 => {
                let own = self.owner.map(|tenant| &*tenant.pools).unwrap_or_default();
                let pool = if own.is_empty() || !self.is_benign {
                    &self.world.pools[choices.below(self.world.pools.len())]
                } else {
                    &self.world.pools[choices.pick(own)]
                };
                let label = pool.labels.iter().nth(choices.below(pool.labels.len()));
                let (key, value) = label.expect("a pool has labels");
                Edit::AddLabel(key.clone(), value.clone())
            }
            9 => Edit::ReplaceTerms(choices.some(90, 2, |choices| malign.term(choices))),
            _ => malign.edit(choices),
        }
    }
}
