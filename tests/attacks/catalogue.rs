//! Which rows there are.

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

/// Rows of priority P2, storage (H), and what is left of availability (L) are not this suite's.
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
        p1: &[5, 7, 8, 9, 10, 11, 12, 14, 15],
    },
    Area {
        letter: 'C',
        title: "Placement past the scheduler",
        p0: &[1, 2],
        p1: &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
    },
    Area { letter: 'D', title: "Workloads and controllers", p0: &[1, 2], p1: &[3, 4, 5, 6, 7, 8, 11] },
    Area {
        letter: 'E',
        title: "Privileges of pods",
        p0: &[1, 2, 3, 4],
        p1: &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
    },
    Area {
        letter: 'F',
        title: "Services and other network objects",
        p0: &[1, 2, 3, 4, 5],
        p1: &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    },
    Area {
        letter: 'G',
        title: "Ingresses, routes, gateways and certificates",
        p0: &[1, 2, 3, 4, 5, 6, 7, 8, 17, 18],
        p1: &[9, 10, 11, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30],
    },
    Area {
        letter: 'I',
        title: "Whose namespace it is",
        p0: &[1, 2, 3, 4, 5, 6, 10],
        p1: &[7, 8, 9, 11, 12, 13, 14, 15, 16, 17],
    },
    Area {
        letter: 'J',
        title: "How webhooks are asked",
        p0: &[1, 4, 5, 7, 10, 13, 16],
        p1: &[2, 3, 6, 8, 9, 11, 14, 15, 17, 18, 20],
    },
    Area {
        letter: 'K',
        title: "How webhooks answer",
        p0: &[],
        p1: &[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 18],
    },
    Area { letter: 'L', title: "Bodies and panics", p0: &[10], p1: &[11, 13, 14] },
    Area { letter: 'M', title: "Decoding", p0: &[4, 5, 7], p1: &[1, 2, 6, 8, 9, 10, 11, 12, 13] },
];

impl Area {
    /// The ids of the rows, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        let mut numbers = [self.p0, self.p1].concat();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| format!("{}{number}", self.letter))
    }

    pub(crate) fn is_p0(&self, id: &str) -> bool {
        self.p0.iter().any(|number| id == format!("{}{number}", self.letter))
    }
}

/// Where the entry of a row is, in the repository.
pub(crate) fn path(id: &str) -> String {
    let area = id.trim_end_matches(char::is_numeric).to_lowercase();
    format!("tests/attacks/{area}/{id}.yaml")
}

/// Whether the files are those of the rows.
pub(crate) fn is_complete() -> Result<(), String> {
    let expected: Vec<String> = AREAS.iter().flat_map(Area::ids).map(|id| path(&id)).collect();
    let missing = expected.iter().filter(|path| !repository(path).exists());
    let mut problems: Vec<String> = missing.map(|path| format!("{path} is missing")).collect();
    let suite = repository("tests/attacks");
    for folder in fs::read_dir(suite).map_err(|e| e.to_string())?.flatten().map(|entry| entry.path()) {
        let Ok(files) = fs::read_dir(&folder) else { continue };
        let area = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in files.flatten() {
            let path = format!("tests/attacks/{area}/{}", file.file_name().to_string_lossy());
            if !expected.contains(&path) {
                problems.push(format!("{path} is the entry of no row"));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
