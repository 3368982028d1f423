#include "engine/place.h"

#include <gtest/gtest.h>

#include "tests/engine/site.h"

namespace myriad::engine {
namespace {

std::string request(const Placement& placement, std::size_t workload = 0) {
  return std::get<Fetch>(placement.workloads[workload].kind).request;
}

TEST(Place, APortHasItsOwnGroupsServicesAndWorkloads) {
  Site site{5, 3};
  site.add("fetch", plan::HttpWorkload{}, 80);
  site.add("ping", plan::IcmpEchoWorkload{4, std::chrono::seconds{2}, 100}, 0).from = Site::kServers;
  const Placement clients = place(site.plan, 0);
  const Placement servers = place(site.plan, 1);
  ASSERT_EQ(clients.groups.size(), 1U);
  EXPECT_EQ(clients.groups[0].name, "clients");
  EXPECT_TRUE(clients.services.empty());
  ASSERT_EQ(clients.workloads.size(), 1U);
  EXPECT_EQ(clients.workloads[0].hosts, 5U);
  EXPECT_EQ(servers.plan_groups, std::vector<std::size_t>{1});
  ASSERT_EQ(servers.workloads.size(), 1U);
  EXPECT_EQ(servers.workloads[0].index, 1U);
  EXPECT_EQ(std::get<Pings>(servers.workloads[0].kind).count, 4U);
  ASSERT_EQ(servers.services.size(), 3U);
  EXPECT_EQ(servers.services[0].http.body_bytes, 1000U);
  EXPECT_EQ(servers.services[1].kind, ServiceKind::kEcho);
  EXPECT_EQ(servers.services[2].kind, ServiceKind::kDiscard);
  // Workloads and services count their segments apart.
  EXPECT_EQ(servers.workloads[0].tally, 1);
  EXPECT_EQ(servers.services[0].tally, 2);
  EXPECT_EQ(servers.services[2].tally, 4);
}

TEST(Place, HostsOfTheSecondGroupOfAPortFollowTheFirst) {
  Site site{5, 3};
  site.plan.groups[1].port = 0;
  site.add("fetch", plan::HttpWorkload{}, 80).from = 1;
  const Placement placement = place(site.plan, 0);
  EXPECT_EQ(placement.workloads[0].group, 1);
  EXPECT_EQ(placement.workloads[0].first_host, 5U);
}

TEST(Place, GroupsAreTakenOverWhole) {
  Site site;
  plan::HostGroup& group = site.plan.groups[0];
  group.gateway = *Ipv4Address::parse("10.0.0.254");
  group.vlan = {{100, 7}, 50};
  group.mtu = 1400;
  group.resolve = plan::Resolve::kEach;
  group.announce = true;
  const stack::HostGroup out = place(site.plan, 0).groups[0];
  EXPECT_EQ(out.first_mac, group.mac);
  EXPECT_EQ(out.ipv4, group.ipv4);
  EXPECT_EQ(out.ipv6, group.ipv6);
  EXPECT_EQ(out.gateway, group.gateway);
  EXPECT_EQ(out.vlan, (VlanTags{100, 7}));
  EXPECT_EQ(out.hosts_per_vlan, 50U);
  EXPECT_EQ(out.mtu, 1400);
  EXPECT_TRUE(out.resolve_each);
  EXPECT_TRUE(out.announce);
}

plan::HttpWorkload get(std::string host) {
  plan::HttpWorkload http;
  http.list[0].path = "/x";
  http.host = std::move(host);
  return http;
}

TEST(Place, TheHostFieldNamesTheTarget) {
  Site site{1, 3};
  site.add("address", get(""), 8080);
  site.add("name", get("www.example.test"), 80);
  site.add("group", get(""), 80).to.address = Site::kServers;
  const Placement placement = place(site.plan, 0);
  EXPECT_NE(request(placement, 0).find("\r\nHost: 10.0.2.1:8080\r\n"), std::string::npos);
  EXPECT_NE(request(placement, 1).find("\r\nHost: www.example.test\r\n"), std::string::npos);
  EXPECT_NE(request(placement, 2).find("\r\nHost: servers\r\n"), std::string::npos);
  EXPECT_NE(request(placement, 0).find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST(Place, AHeldConnectionIsKeptAlive) {
  Site site;
  site.add("fetch", plan::HttpWorkload{}, 80).load.hold = std::chrono::seconds{1};
  EXPECT_NE(request(place(site.plan, 0)).find("\r\nConnection: keep-alive\r\n"), std::string::npos);
}

TEST(Place, OnlyASinglePlainGetIsAFetch) {
  const auto is_fetch = [](const plan::HttpWorkload& http) {
    Site site;
    site.add("w", http, 80);
    const Placement placement = place(site.plan, 0);
    EXPECT_FALSE(placement.trouble);
    return std::holds_alternative<Fetch>(placement.workloads[0].kind);
  };
  EXPECT_TRUE(is_fetch(get("h")));
  plan::HttpWorkload http = get("h");
  http.list[0].fields = {{"X-Test", "1"}};
  http.list[0].expect = plan::HttpExpect{{404}, {}};
  EXPECT_TRUE(is_fetch(http));
  http.requests = 2;
  EXPECT_FALSE(is_fetch(http));
  http = get("h");
  http.list[0].method = plan::HttpMethod::kHead;
  EXPECT_FALSE(is_fetch(http));
  http = get("h");
  http.redirects = 1;
  EXPECT_FALSE(is_fetch(http));
  http = get("h");
  http.tls.emplace();
  EXPECT_FALSE(is_fetch(http));
}

TEST(Place, WhatIsTrustedMustBeCertificates) {
  plan::HttpWorkload http = get("h");
  http.tls.emplace();
  http.tls->ca = "ca.pem";
  http.tls->authorities = "nothing of the kind";
  Site site;
  site.add("shop", http, 443);
  const Placement placement = place(site.plan, 0);
  ASSERT_TRUE(placement.trouble);
  EXPECT_EQ(placement.trouble->what, "workload 'shop': what is to be trusted is not a list of certificates in PEM");
  EXPECT_EQ(placement.trouble->fault, Fault::kUsage);
}

TEST(Place, AGroupIsATargetInTheFamilyThatBothSpeak) {
  Site site{1, 3};
  plan::Workload& workload = site.add("fetch", plan::HttpWorkload{}, 80);
  workload.to.address = Site::kServers;
  Destination to = place(site.plan, 0).workloads[0].to;
  EXPECT_EQ(to.count, 3U);
  EXPECT_EQ(to.at(2).text(), "10.0.2.3");
  workload.to.prefer_v6 = true;
  EXPECT_EQ(place(site.plan, 0).workloads[0].to.at(2).text(), "fd00::2:3");
  site.plan.groups[0].ipv6.reset();
  EXPECT_EQ(place(site.plan, 0).workloads[0].to.at(0).text(), "10.0.2.1");
  site.plan.groups[1].ipv4.reset();
  EXPECT_EQ(place(site.plan, 0).workloads[0].to.at(0).text(), "fd00::2:1");
}

}  // namespace
}  // namespace myriad::engine
