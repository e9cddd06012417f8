//! Finds the imports between modules of a crate, by `use` declarations and by the paths in the code.
//!
//! A module is a file. A path counts for the module that defines what it names: re-exports are followed, and are no
//! import themselves, so that a parent may show what its children define. What a parent defines and its children use is
//! an import of theirs as any other.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::tokens;

/// The segments of a module's path from the root of its crate, which has none.
type Module = Vec<String>;

/// A path as it is written.
type Path = Vec<String>;

/// Each module of a crate, or each layer, with those that it imports. The root's name is empty.
pub(crate) type Imports = BTreeMap<String, BTreeSet<String>>;

/// The modules that a file refers to.
#[derive(Default)]
struct File {
    /// The modules that it declares as files.
    children: BTreeSet<String>,
    /// Its re-exports, by their names.
    exports: BTreeMap<String, Path>,
    /// All other paths.
    paths: Vec<Path>,
}

/// The imports between the modules of a crate; `read` returns the source of a module.
pub(crate) fn between_modules(read: &dyn Fn(&[String]) -> String) -> Imports {
    let mut files = BTreeMap::new();
    let mut unread: Vec<Module> = vec![Module::new()];
    while let Some(module) = unread.pop() {
        let file = File::parse(&tokens(&read(&module)));
        unread.extend(
            file.children.iter().map(|child| [module.as_slice(), std::slice::from_ref(child)].concat()),
        );
        files.insert(module, file);
    }
    let imports_of = |(module, file): (&Module, &File)| {
        let found = file.paths.iter().filter_map(|path| defining(&files, module, path));
        (module.join("::"), found.filter(|other| other != module).map(|other| other.join("::")).collect())
    };
    files.iter().map(imports_of).collect()
}

/// The imports between layers, which are the modules below the root.
pub(crate) fn between_layers(modules: &Imports) -> Imports {
    let layer = |module: &String| module.split("::").next().unwrap_or_default().to_owned();
    let mut layers = Imports::new();
    for (module, imports) in modules.iter().filter(|(module, _)| !module.is_empty()) {
        let own = layer(module);
        let others = imports.iter().map(layer).filter(|other| *other != own);
        layers.entry(own.clone()).or_default().extend(others);
    }
    layers
}

/// Some circle of imports, as a chain that ends where it begins.
pub(crate) fn circle(imports: &Imports) -> Option<String> {
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| circle_from(imports, module, &mut Vec::new(), &mut done))
}

fn circle_from<'i>(
    imports: &'i Imports,
    module: &'i str,
    chain: &mut Vec<&'i str>,
    done: &mut BTreeSet<&'i str>,
) -> Option<String> {
    if let Some(start) = chain.iter().position(|other| *other == module) {
        return Some([&chain[start..], &[module]].concat().join(" -> "));
    }
    if done.contains(module) {
        return None;
    }
    chain.push(module);
    let mut others = imports.get(module).into_iter().flatten();
    let found = others.find_map(|other| circle_from(imports, other, chain, done));
    chain.pop();
    done.insert(module);
    found
}

impl File {
    fn parse(tokens: &[String]) -> Self {
        let mut file = Self::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let next = |ahead: usize| tokens.get(at + ahead).map_or("", String::as_str);
            let before = at.checked_sub(1).and_then(|at| tokens.get(at)).map_or("", String::as_str);
            match token.as_str() {
                "mod" if next(2) == ";" => {
                    file.children.insert(next(1).to_owned());
                }
                // Not `+ use<'a>`.
                "use" if next(1) != "<" => {
                    let length = tokens[at..].iter().position(|token| token == ";").unwrap_or_default();
                    let mut tree = Tree { tokens: &tokens[at + 1..at + length], leaves: Vec::new() };
                    tree.walk(&Path::new());
                    // `pub use`, or `pub(crate) use`.
                    if matches!(before, "pub" | ")") {
                        file.exports.extend(tree.leaves);
                    } else {
                        file.paths.extend(tree.leaves.into_iter().map(|(_, path)| path));
                    }
                    at += length;
                }
                _ if next(1) == "::" && before != "::" => {
                    let mut path = vec![token.clone()];
                    while tokens.get(at + 1).is_some_and(|token| token == "::")
                        && let Some(segment) = tokens.get(at + 2)
                    {
                        path.push(segment.clone());
                        at += 2;
                    }
                    file.paths.push(path);
                }
                _ => {}
            }
            at += 1;
        }
        file
    }
}

/// Returns the paths of a `use` declaration, which may fork in braces.
struct Tree<'t> {
    tokens: &'t [String],
    /// Each name that it brings, and the path behind it.
    leaves: Vec<(String, Path)>,
}

impl Tree<'_> {
    /// Reads the tree below a prefix, up to the comma or brace behind it.
    fn walk(&mut self, prefix: &Path) {
        let mut path = prefix.clone();
        let mut name = None;
        while let [token, rest @ ..] = self.tokens {
            match token.as_str() {
                "," | "}" => break,
                "::" => self.tokens = rest,
                "as" => {
                    name = rest.first().cloned();
                    self.tokens = rest.get(1..).unwrap_or_default();
                }
                "{" => {
                    self.tokens = rest;
                    while self.tokens.first().is_some_and(|token| token != "}") {
                        self.walk(&path);
                        if let [comma, rest @ ..] = self.tokens
                            && comma == ","
                        {
                            self.tokens = rest;
                        }
                    }
                    self.tokens = self.tokens.get(1..).unwrap_or_default();
                    return;
                }
                segment => {
                    path.push(segment.to_owned());
                    self.tokens = rest;
                }
            }
        }
        let name = name.or_else(|| path.iter().rfind(|segment| *segment != "self").cloned());
        self.leaves.extend(name.map(|name| (name, path)));
    }
}

/// The module that defines what a path names, as it is written in `module`; `None`: another crate.
fn defining(files: &BTreeMap<Module, File>, module: &Module, path: &[String]) -> Option<Module> {
    let mut current = module.clone();
    let mut rest = path;
    match rest {
        [first, others @ ..] if first == "crate" => {
            current.clear();
            rest = others;
        }
        [first, others @ ..] if first == "self" => rest = others,
        [first, ..] if first == "super" => {
            while let [first, others @ ..] = rest
                && first == "super"
            {
                current.pop();
                rest = others;
            }
        }
        [first, ..] if files[module].children.contains(first) => {}
        _ => return None,
    }
    while let [segment, others @ ..] = rest {
        let file = &files[&current];
        let export = file.exports.get(segment);
        // A module and what a parent shows of it may have one name: at the end of a path that is meant.
        if file.children.contains(segment) && !(others.is_empty() && export.is_some()) {
            current.push(segment.clone());
            rest = others;
        } else if let Some(export) = export {
            let full = [export.as_slice(), others].concat();
            return defining(files, &current, &full).or(Some(current));
        } else {
            break;
        }
    }
    Some(current)
}

/// The imports of a crate that is made up.
#[cfg(test)]
fn imports(files: &[(&str, &str)]) -> Imports {
    between_modules(&|module: &[String]| {
        let name = module.join("::");
        files.iter().find(|(file, _)| *file == name).map(|(_, source)| (*source).to_owned()).unwrap()
    })
}

#[test]
fn a_circle_is_found_through_other_modules_and_in_code() {
    let files = [
        ("", "mod a; mod b; mod c;"),
        ("a", "use crate::b::{self, X as Y};"),
        ("b", "fn f() { crate::c::g(); }"),
        ("c", "use super::a::Z;"),
    ];
    assert_eq!(circle(&imports(&files)).as_deref(), Some("a -> b -> c -> a"));
    let parent = [("", "mod a;"), ("a", "mod b; struct P; fn f() { b::g() }"), ("a::b", "use super::P;")];
    assert_eq!(circle(&imports(&parent)).as_deref(), Some("a -> a::b -> a"));
}

#[test]
fn a_re_export_is_followed_and_is_no_import() {
    let files = [
        ("", "mod a; mod b; pub use self::a::Q;"),
        ("a", "mod d; mod e; pub(crate) use self::d::{P, Q as R};\npub use e::e;"),
        ("a::d", "use super::e; use crate::Q;"),
        ("a::e", "use std::fmt;"),
        ("b", "use crate::a::{P, e};"),
    ];
    let imports = imports(&files);
    assert_eq!(circle(&imports), None);
    assert_eq!(imports["b"], ["a::d", "a::e"].map(str::to_owned).into());
    assert!(imports["a"].is_empty());
    assert_eq!(between_layers(&imports)["b"], ["a".to_owned()].into());
}
