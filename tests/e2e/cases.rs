//! The cases of the suite, and the table that the runner reads.

mod alerts;
mod apply;
mod arming;
mod conditions;
mod daemon_sets;
mod debug;
mod denials;
mod devices;
mod discovery;
mod doctor;
mod down;
mod dry_run;
mod elsewhere;
mod endpoints;
mod faults;
mod grandfathered;
mod guide;
mod guides;
mod in_cluster;
mod install;
mod installed;
mod introduce;
mod kinds;
mod labels;
mod namespaces;
mod outage;
mod own_objects;
mod pod_groups;
mod pods;
mod policies;
mod ratcheting;
mod registration;
mod restart;
mod rollover;
mod routes;
mod sandbox;
mod scale;
mod second_webhook;
mod service;
mod sieges;
mod status;
mod updates;
mod upgrade;

use crate::cluster::Cluster;

/// One thing that must hold. A case fails by panicking.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Cluster),
    pub(crate) place: Place,
    /// Takes minutes, so that it runs on demand only.
    pub(crate) long: bool,
    /// The least release that can show it: the `30` of `v1.30`. Below it, the case is left out.
    pub(crate) since: u32,
}

/// The cluster in which a case runs, and whether others run beside it. What a case that is alone removed from the
/// cluster is restored afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the first cluster, beside others.
    Together,
    /// In the first cluster, while no other case runs in it.
    Alone,
    /// In another cluster, the second or the third, one after the other: they install partywall by its own objects, or
    /// measure something.
    Second,
    Third,
}

impl Case {
    const fn of(name: &'static str, run: fn(&Cluster), place: Place, since: u32) -> Self {
        Self { name, run, place, long: false, since }
    }
}

/// The oldest supported release.
const OLDEST: u32 = 30;

/// Cases under their own names: `together` they run beside others and keep to namespaces of their own; `alone` they
/// change what others rely on; `second`, `third` and `long` they have other clusters, `long` ones for minutes.
/// `33 => case` is left out below Kubernetes 1.33.
macro_rules! table {
    (
        together { $($($beside_since:literal =>)? $beside:path,)* }
        alone { $($($alone_since:literal =>)? $alone:path,)* }
        second { $($second:path,)* }
        third { $($third:path,)* }
        long { $($long:path,)* }
    ) => {
        vec![
            $(Case::of(stringify!($beside), $beside, Place::Together, [$($beside_since,)? OLDEST][0]),)*
            $(Case::of(stringify!($alone), $alone, Place::Alone, [$($alone_since,)? OLDEST][0]),)*
            $(Case::of(stringify!($second), $second, Place::Second, OLDEST),)*
            $(Case::of(stringify!($third), $third, Place::Third, OLDEST),)*
            $(Case { long: true, ..Case::of(stringify!($long), $long, Place::Second, OLDEST) },)*
        ]
    };
}

/// All cases. The one that waits for a full minute is the first.
pub(crate) fn cases() -> Vec<Case> {
    table! {
        together {
            guide::a_cron_jobs_pod_is_bound_to_the_tenants_own_node,
            guide::every_pod_of_the_tenant_is_bound_to_its_own_node,
            guide::the_same_deployment_outside_a_tenant_stays_off_its_nodes,
            guide::the_stored_pod_is_what_the_guide_shows_and_keeps_its_defaults,
            registration::i4_every_registered_resource_exists_and_is_read,
            registration::configurations_for_a_service_are_accepted,
            own_objects::definitions_and_installation_are_accepted_without_a_warning,
            own_objects::partywalls_own_objects_apply_in_any_order_and_mistakes_are_refused_by_name,
            denials::a_tenant_is_told_why_and_what_to_do,
            denials::b13_pods_outside_tenants_reach_no_nodes_of_tenants,
            denials::j4_d5_g11_other_versions_of_an_object_are_judged_too,
            denials::a1_a3_every_term_of_a_tenants_own_affinity_is_stamped,
            denials::c2_only_the_scheduler_binds_pods,
            denials::d3_a_workload_with_denied_pods_gets_a_warning_and_no_pods,
            daemon_sets::a8_a9_a_daemon_set_makes_one_pod_for_each_node_of_the_pool,
            sandbox::c11_the_runtime_class_is_stamped_with_all_that_it_brings,
            sandbox::c8_c13_c12_a_pod_cannot_outrank_or_repel_its_neighbours,
            second_webhook::j1_stored_pods_are_stamped_whatever_other_webhooks_change,
            updates::ordinary_changes_are_allowed,
            updates::changes_that_add_violations_are_denied,
            updates::e3_e5_an_ephemeral_container_is_judged_like_any_other,
            endpoints::f9_f10_only_controllers_write_addresses,
            namespaces::i2_i3_i4_i8_a_namespace_keeps_its_tenant_through_every_subresource,
            namespaces::f13_managed_objects_are_deleted_only_with_their_namespace,
            routes::g17_g18_g21_g22_g25_no_route_or_certificate_takes_anothers_host,
            dry_run::j9_a_dry_run_is_judged_and_nothing_is_stored,
            elsewhere::o1_a_bare_selector_of_a_pool_reaches_no_tenants_node,
            elsewhere::o1_no_condition_fails_on_a_recorded_pod,
            elsewhere::o20_an_agent_elsewhere_is_told_what_its_pods_will_meet,
            labels::o4_a_labelled_namespace_that_no_tenant_lists_gets_nothing_but_a_reason,
            labels::o4_a_listed_namespace_gets_its_label_and_gets_it_back,
            labels::o7_no_kubelet_shows_its_pod_in_a_tenants_namespace,
            doctor::a_doctor_says_what_it_could_not_look_at,
            discovery::i4_the_table_of_kinds_is_what_the_api_server_discovers,
            debug::e3_each_profile_of_kubectl_debug_is_judged_by_what_it_adds,
            pods::e2_a_sidecar_is_judged_like_any_other_container,
            pods::c6_a_gated_pod_keeps_its_tenants_nodes,
            33 => pods::j15_a_resize_changes_nothing_that_a_rule_reads,
            33 => pods::e8_a_user_namespace_relaxes_nothing,
            37 => pods::e15_owners_of_files_and_responders_are_the_tenants_own,
            34 => devices::c14_o18_claims_of_devices_are_judged_in_the_version_that_is_on_by_default,
            36 => policies::j1_mutating_policies_undo_no_stamp,
            apply::j18_what_is_applied_on_the_server_is_judged_and_applied_again_without_a_conflict,
            ratcheting::j11_an_object_that_its_schema_grandfathers_is_still_judged,
            37 => pod_groups::c15_groups_of_pods_have_the_tenants_priority,
        }
        alone {
            conditions::o1_each_condition_leaves_out_what_it_says_and_none_fails,
            kinds::i4_an_object_of_each_kind_is_allowed_and_one_is_denied,
            service::a_service_is_called_with_http_1,
            introduce::l2_a_cluster_in_use_is_introduced_to_partywall_tenant_by_tenant,
            grandfathered::j11_older_objects_can_be_updated_and_deleted,
            outage::l1_l2_c5_an_outage_stops_tenants_and_not_the_rest_of_the_cluster,
            outage::l7_a_server_that_never_answers_delays_requests_only_briefly,
            elsewhere::o1_o8_what_could_reach_a_pool_fails_closed_and_running_pods_stay_editable,
            down::l1_a_tenants_namespace_without_the_label_gets_no_pod_near_a_pool_and_a_hint,
            down::o19_jobs_finish_and_namespaces_end_while_partywall_is_down,
            down::l2_o1_agents_of_system_namespaces_start_on_every_node_without_partywall,
            down::l5_the_commands_of_the_break_glass_page_let_the_cluster_go_on,
            down::o4_an_older_installation_moves_to_the_new_paths_without_a_gap,
            restart::l8_l9_a_rollout_under_load_fails_no_request,
            install::the_installation_with_files_ends_with_a_tenants_pod_on_its_node,
        }
        second {
            in_cluster::objects_of_the_cluster_hold_while_they_change,
            installed::an_installation_arms_itself_and_tells_what_holds,
            installed::the_cas_survive_whatever_becomes_of_their_secret,
            installed::a_configuration_that_is_edited_or_deleted_is_mended,
            rollover::certificates_roll_over_under_load,
            guides::the_guide_leads_from_nothing_to_a_first_tenant_and_back,
        }
        third {
            arming::partywall_registers_its_webhooks_itself_and_keeps_them,
            status::a_status_says_what_holds_whichever_replica_leads,
            installed::uninstall_leaves_nothing_but_what_it_lists,
            alerts::alerts_about_the_registration_and_the_watch_fire_and_end,
            sieges::o1_o3_a_storm_elsewhere_stores_nothing_and_holds_up_no_tenant,
            sieges::o2_o3_a_storm_in_a_tenants_namespace_reaches_no_neighbour,
            sieges::o5_silent_connections_hold_up_no_tenant,
            sieges::o6_a_storm_of_opt_out_labels_leaves_the_namespace_in,
            sieges::o7_a_storm_of_mirror_pods_shows_none_to_a_neighbour,
            sieges::o19_jobs_finish_and_namespaces_end_in_a_storm,
        }
        long {
            in_cluster::one_apply_of_a_tenant_and_its_pods_is_stamped_a_hundred_times,
            restart::l8_l9_a_hundred_rollouts_under_load_fail_no_request,
            faults::replicas_with_different_clocks_start_at_once,
            doctor::each_thing_that_is_broken_is_found_with_a_cause_and_a_cure,
            faults::connections_that_hang_are_noticed_and_healed,
            rollover::many_certificates_roll_over_under_load,
            rollover::replicas_that_are_killed_at_each_step_of_a_promotion_go_on,
            upgrade::an_upgrade_and_the_way_back_under_load_lose_nothing,
            scale::ten_thousand_namespaces_and_a_thousand_tenants,
            scale::a_namespace_is_used_in_the_second_of_its_creation,
            scale::what_a_tool_applies_every_three_seconds_stays_as_partywall_makes_it,
        }
    }
}
