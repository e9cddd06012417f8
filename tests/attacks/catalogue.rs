//! Lists the rows, and finds their entries.

use std::fs;

use crate::repository;

/// An area of the catalogue, and its rows.
pub(crate) struct Area {
    pub(crate) letter: char,
    pub(crate) title: &'static str,
    /// Without these, tenants are not isolated.
    p0: &'static [u8],
    /// With these, real clusters break, or a documented hole stays open.
    p1: &'static [u8],
}

/// Each row of the catalogue is here.
pub(crate) const AREAS: &[Area] = &[
    Area {
        letter: 'A',
        title: "The stamp",
        p0: &[1, 2, 3, 4],
        p1: &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    },
    Area {
        letter: 'B',
        title: "Tolerations",
        p0: &[1, 2, 3, 4, 6, 13],
        p1: &[5, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17],
    },
    Area {
        letter: 'C',
        title: "Placement past the scheduler",
        p0: &[1, 2],
        p1: &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    },
    Area { letter: 'D', title: "Workloads and controllers", p0: &[1, 2], p1: &[3, 4, 5, 6, 7, 8, 9, 10, 11] },
    Area {
        letter: 'E',
        title: "Privileges of pods",
        p0: &[1, 2, 3, 4],
        p1: &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26],
    },
    Area {
        letter: 'F',
        title: "Services and other network objects",
        p0: &[1, 2, 3, 4, 5],
        p1: &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
    },
    Area {
        letter: 'G',
        title: "Ingresses, routes, gateways and certificates",
        p0: &[1, 2, 3, 4, 5, 6, 7, 8, 17, 18],
        p1: &[9, 10, 11, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31],
    },
    Area { letter: 'H', title: "Storage", p0: &[1], p1: &[2, 3, 4, 5, 6, 7] },
    Area {
        letter: 'I',
        title: "Owners of namespaces",
        p0: &[1, 2, 3, 4, 5, 6, 10],
        p1: &[7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18],
    },
    Area {
        letter: 'J',
        title: "How the API server calls webhooks",
        p0: &[1, 4, 5, 7, 10, 13, 16],
        p1: &[2, 3, 6, 8, 9, 11, 12, 14, 15, 17, 18, 19, 20],
    },
    Area {
        letter: 'K',
        title: "How webhooks answer",
        p0: &[],
        p1: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    },
    Area {
        letter: 'L',
        title: "Availability, bodies and panics",
        p0: &[1, 3, 10],
        p1: &[2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21],
    },
    Area { letter: 'M', title: "Decoding", p0: &[4, 5, 7], p1: &[1, 2, 3, 6, 8, 9, 10, 11, 12, 13, 14] },
    Area {
        letter: 'O',
        title: "Found by breaking the first version",
        p0: &[1, 2, 3, 4, 5],
        p1: &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27],
    },
];

/// Rows of priority P2, which stand among those of P1.
const P2: [&str; 28] = [
    "B16", "B17", "C15", "C16", "D9", "D10", "E24", "E25", "E26", "F16", "F17", "G31", "H6", "H7", "I18",
    "J12", "J19", "K9", "K16", "K17", "L21", "M3", "M14", "O18", "O23", "O24", "O26", "O27",
];

impl Area {
    /// The ids of the rows, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        let mut numbers = [self.p0, self.p1].concat();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| format!("{}{number}", self.letter))
    }

    pub(crate) fn priority(&self, id: &str) -> &'static str {
        let is_p0 = self.p0.iter().any(|number| id == format!("{}{number}", self.letter));
        match () {
            () if is_p0 => "P0",
            () if P2.contains(&id) => "P2",
            () => "P1",
        }
    }
}

/// Returns the path of a row's entry in the repository: `tests/attacks/g/G7-hosts-in-annotations.yaml`.
pub(crate) fn path(id: &str) -> Result<String, String> {
    let paths = entries(&id.trim_end_matches(char::is_numeric).to_lowercase())?;
    let mut paths = paths.into_iter().filter(|path| id_of(path) == Some(id));
    match (paths.next(), paths.next()) {
        (Some(path), None) => Ok(path),
        (None, _) => {
            Err(format!("{id} has no entry: write it to {id}-REASON.yaml in the folder of its area"))
        }
        (Some(first), Some(second)) => Err(format!("{id} has two entries: {first} and {second}")),
    }
}

/// Returns the paths of the entries of an area.
fn entries(area: &str) -> Result<Vec<String>, String> {
    let folder = format!("tests/attacks/{area}");
    let files = fs::read_dir(repository(&folder)).map_err(|error| format!("{folder}: {error}"))?.flatten();
    let mut paths: Vec<_> =
        files.map(|file| format!("{folder}/{}", file.file_name().to_string_lossy())).collect();
    paths.sort_unstable();
    Ok(paths)
}

/// Returns the id in the name of an entry: `G7` of `G7-hosts-in-annotations.yaml`.
fn id_of(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?.strip_suffix(".yaml")?;
    name.split_once('-').filter(|(_, reason)| !reason.is_empty()).map(|(id, _)| id)
}

/// Checks that every row has one entry, and that there are no others.
pub(crate) fn is_complete() -> Result<(), String> {
    let ids: Vec<String> = AREAS.iter().flat_map(Area::ids).collect();
    let mut problems: Vec<String> = ids.iter().filter_map(|id| path(id).err()).collect();
    let suite = fs::read_dir(repository("tests/attacks")).map_err(|error| error.to_string())?;
    for folder in suite.flatten().filter(|entry| entry.path().is_dir()) {
        let area = folder.file_name().to_string_lossy().into_owned();
        for path in entries(&area)? {
            let is_in_its_area = |id: &&str| id.trim_end_matches(char::is_numeric).to_lowercase() == area;
            if !id_of(&path).filter(is_in_its_area).is_some_and(|id| ids.iter().any(|known| known == id)) {
                problems.push(format!("{path} is the entry of no row, or lacks its reason: ID-REASON.yaml"));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
