//! The modes of rules, as they are written and as they hold.

use partywall_core::api::Mode;
use partywall_core::rule_id::{Modes, RuleId};

use super::fields::Layer;
use super::model::{Origin, Rule};

/// Returns the mode of each of the rules: `modes` hold, and the first layer that names a rule says what is written.
pub(super) fn modes(
    rules: impl Iterator<Item = RuleId>,
    modes: &Modes,
    layers: &mut [Layer<'_>],
) -> Vec<Rule> {
    rules.map(|rule| of(rule, modes, layers)).collect()
}

fn of(rule: RuleId, modes: &Modes, layers: &mut [Layer<'_>]) -> Rule {
    let path = format!("rules.{rule}");
    let mode = name(modes.of(rule));
    let with = layers.iter_mut().find(|layer| layer.get(&path).is_some());
    let (written, source) = match with {
        Some(layer) => {
            let written = layer.get(&path).and_then(|mode| mode.as_str());
            let known = [Mode::Off, Mode::Audit, Mode::Warn, Mode::Deny].map(name);
            let written = known.into_iter().find(|known| written == Some(known)).unwrap_or(mode);
            (written, layer.origin(&path))
        }
        None => (mode, Origin::BUILT_IN),
    };
    Rule { rule: rule.as_str(), mode, written, source, is_limited: mode != written }
}

const fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off",
        Mode::Audit => "audit",
        Mode::Warn => "warn",
        Mode::Deny => "deny",
    }
}
