using System.Net;

namespace Beadhub.Silo.Tests;

/// <summary>Settings come from the environment, and what they may not hold is said.</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Trusted_proxies_are_addresses_and_networks() =>
        Of("BEADHUB_TRUSTED_PROXIES", " 10.9.0.0/16, 127.0.0.1 ,::1,").Gateway.TrustedProxies
            .ShouldBe([IPNetwork.Parse("10.9.0.0/16"), IPNetwork.Parse("127.0.0.1/32"), IPNetwork.Parse("::1/128")]);

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("nginx")]
    [InlineData("127.0.0.1;::1")]
    public void A_proxy_that_is_no_address_is_refused(string text) =>
        Should.Throw<SettingsException>(() => Of("BEADHUB_TRUSTED_PROXIES", text)).Message
            .ShouldBe($"BEADHUB_TRUSTED_PROXIES must be IP addresses and networks with commas between them, not '{text}'");

    [Fact]
    public void Backups_go_into_a_folder_or_a_bucket()
    {
        var folder = Of("BEADHUB_BACKUP_DIR", "/var/backups");
        (folder.BackupDirectory, folder.BackupBucket).ShouldBe(("/var/backups", null));
        var bucket = Settings.FromEnvironment(static name => name switch
        {
            "BEADHUB_BACKUP_DIR" => "gs://beads/nightly?region=eu",
            "BEADHUB_REMOTE_USER" => "AKID",
            "BEADHUB_REMOTE_PASSWORD" => "secret-of-the-bucket",
            _ => null,
        });
        bucket.BackupDirectory.ShouldBeNull();
        (bucket.BackupBucket!.Address.Name, bucket.BackupBucket.Address.Prefix).ShouldBe(("beads", "nightly"));
        bucket.ToString().ShouldNotContain("secret-of-the-bucket");
    }

    [Theory]
    [InlineData("s3://beads/x", "AKID", null, "BEADHUB_REMOTE_PASSWORD_FILE")]
    [InlineData("s3://beads/x", null, "secret", "BEADHUB_REMOTE_USER")]
    [InlineData("s3://user:pass-word@beads/x", "AKID", "secret", "holds a user or a password")]
    [InlineData("s3://beads/x?endpoint=http://s3.example.com", "AKID", "secret", "endpoint")]
    [InlineData("s3:///x", "AKID", "secret", "bucket")]
    [InlineData("ftp://beads/x", "AKID", "secret", "ftp:// is no remote")]
    [InlineData("file:///var/backups", "AKID", "secret", "written as a path")]
    [InlineData("beadhub+https://hub.example.com/lamps", "AKID", "secret", "written as a path")]
    public void A_place_for_backups_that_is_none_is_refused(string text, string? user, string? password, string says)
    {
        var message = Should.Throw<SettingsException>(() => Settings.FromEnvironment(name => name switch
        {
            "BEADHUB_BACKUP_DIR" => text,
            "BEADHUB_REMOTE_USER" => user,
            "BEADHUB_REMOTE_PASSWORD" => password,
            _ => null,
        })).Message;
        message.ShouldStartWith("BEADHUB_BACKUP_DIR");
        message.ShouldContain(says);
        message.ShouldNotContain("pass-word");
    }

    [Fact]
    public void Peers_of_the_mesh_are_named_with_their_address_and_hives()
    {
        var peers = Of("BEADHUB_SYNC_PEERS", " berlin = http://10.0.0.5:8000/sync/v1/ | eng, ml ; lima=https://lima.example/sync/v1|eng")
            .Gateway.Mesh.Peers;
        peers.Select(static peer => (peer.Name, peer.Endpoint, string.Join(' ', peer.Hives))).ShouldBe(
            [("berlin", "http://10.0.0.5:8000/sync/v1", "eng ml"), ("lima", "https://lima.example/sync/v1", "eng")]);
    }

    [Theory]
    [InlineData("BEADHUB_SYNC", "maybe")]
    [InlineData("BEADHUB_SYNC_ENDPOINT", "10.0.0.5:8000")]
    [InlineData("BEADHUB_SYNC_SECRET", "short")]
    [InlineData("BEADHUB_SYNC_NETWORKS", "10.0.0.0/33")]
    [InlineData("BEADHUB_SYNC_PEERS", "http://10.0.0.5:8000/sync/v1")]
    [InlineData("BEADHUB_SYNC_PEERS", "berlin=ftp://10.0.0.5/sync/v1|eng")]
    [InlineData("BEADHUB_SYNC_PEERS", "berlin=http://10.0.0.5/sync/v1|")]
    [InlineData("BEADHUB_SYNC_HEARTBEAT_SECONDS", "0")]
    [InlineData("BEADHUB_SYNC_PEER_TIMEOUT_SECONDS", "x")]
    [InlineData("BEADHUB_SYNC_EVENTS_PER_SECOND", "0")]
    [InlineData("BEADHUB_SYNC_EVENTS_BURST", "-1")]
    [InlineData("BEADHUB_SYNC_GOSSIP", "2")]
    [InlineData("BEADHUB_SYNC_GOSSIP_TTL", "17")]
    [InlineData("BEADHUB_SYNC_GOSSIP_SECONDS", "0")]
    [InlineData("BEADHUB_SYNC_GOSSIP_MAX_PEERS", "501")]
    [InlineData("BEADHUB_SYNC_GOSSIP_MAX_FAILURES", "0")]
    [InlineData("BEADHUB_QUOTA_BEADS", "-1")]
    [InlineData("BEADHUB_QUOTA_BYTES", "10 GB")]
    public void A_setting_of_the_mesh_or_a_quota_that_cannot_be_is_refused_in_a_sentence(string name, string text) =>
        Should.Throw<SettingsException>(() => Of(name, text)).Message.ShouldStartWith($"{name} must");

    private static Settings Of(string name, string value) => Settings.FromEnvironment(asked => asked == name ? value : null);
}
