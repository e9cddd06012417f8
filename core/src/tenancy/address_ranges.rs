//! Holds the ranges of IP addresses that operators list.

use std::net::IpAddr;

use ipnet::IpNet;

/// Holds ranges of IP addresses, sorted, none of which shares an address with another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressRanges(Vec<IpNet>);

impl AddressRanges {
    /// Returns whether `address` is an IP address in one of the ranges.
    ///
    /// `::ffff:10.0.0.1` is 10.0.0.1 to the network.
    pub fn contain(&self, address: &str) -> bool {
        address.parse::<IpAddr>().is_ok_and(|address| {
            let address = address.to_canonical();
            let after = self.0.partition_point(|range| range.network() <= address);
            let nearest = after.checked_sub(1).and_then(|index| self.0.get(index));
            nearest.is_some_and(|range| range.contains(&address))
        })
    }
}

impl FromIterator<IpNet> for AddressRanges {
    fn from_iter<I: IntoIterator<Item = IpNet>>(ranges: I) -> Self {
        let mut ranges = IpNet::aggregate(&ranges.into_iter().collect());
        ranges.sort_unstable_by_key(IpNet::network);
        Self(ranges)
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

    #[test]
    fn ranges_within_and_beside_each_other_are_found() {
        let ranges = ["10.0.0.0/8", "10.1.2.0/24", "192.0.2.9/32", "192.0.2.0/29", "203.0.113.77/28", "::/0"];
        let ranges: AddressRanges = ranges.map(|range| range.parse().unwrap()).into_iter().collect();
        for inside in
            ["10.0.0.0", "10.1.2.3", "10.255.255.255", "192.0.2.7", "192.0.2.9", "203.0.113.64", "::1"]
        {
            assert!(ranges.contain(inside), "{inside}");
        }
        for outside in
            ["9.255.255.255", "11.0.0.0", "192.0.2.8", "192.0.2.10", "203.0.113.80", "::ffff:1.2.3.4"]
        {
            assert!(!ranges.contain(outside), "{outside}");
        }
    }
}
