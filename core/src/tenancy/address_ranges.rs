//! Holds the ranges of IP addresses that operators list.

use std::net::IpAddr;

use ipnet::IpNet;

/// Holds ranges of IP addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressRanges(Vec<IpNet>);

impl AddressRanges {
    /// Returns whether `address` is an IP address in one of the ranges.
    ///
    /// `::ffff:10.0.0.1` is 10.0.0.1 to the network.
    pub fn contain(&self, address: &str) -> bool {
        address.parse::<IpAddr>().is_ok_and(|address| {
            let address = address.to_canonical();
            self.0.iter().any(|range| range.contains(&address))
        })
    }
}

impl FromIterator<IpNet> for AddressRanges {
    fn from_iter<I: IntoIterator<Item = IpNet>>(ranges: I) -> Self {
        Self(ranges.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_another_spelling_is_in_the_same_range() {
        let ranges: AddressRanges =
            ["192.0.2.0/28", "2001:db8::/64"].map(|range| range.parse().unwrap()).into_iter().collect();
        for inside in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "2001:0DB8:0:0:0:0:0:1"] {
            assert!(ranges.contain(inside), "{inside}");
        }
        for outside in
            ["192.0.2.16", "2001:db8:1::", "192.0.2.7/32", "192.0.2.007", " 192.0.2.7", "a.example.com", ""]
        {
            assert!(!ranges.contain(outside), "{outside}");
        }
        assert!(!AddressRanges::default().contain("192.0.2.7"));
    }
}
