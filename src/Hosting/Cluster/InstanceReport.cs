using Beadhub.Gateway;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.Webhooks;
using Beadhub.Projects;

namespace Beadhub.Hosting.Cluster;

/// <summary>How the installation does: its nodes, its log, its deliveries.</summary>
internal sealed class InstanceReport(DurableEventLog log, IBackgroundLease lease, NodeId node, WebhookDelivery webhooks) : IInstance
{
    /// <inheritdoc/>
    public async ValueTask<InstanceState> Read()
    {
        var size = await log.Size();
        var ids = await log.Keys(Project.Kind.Name);
        var holder = await lease.Nodes();
        return new(
            node.Id, holder, log.Description, size.Bytes, size.Heads.Values.Sum(),
            [.. ids.Select(id => (id, size.Heads.GetValueOrDefault(id)))],
            holder.Any(one => one.DoesBackgroundWork && one.NodeId == node.Id) ? webhooks.Lag() : null);
    }
}
