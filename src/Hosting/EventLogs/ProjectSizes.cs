using Beadhub.Chat;
using Beadhub.Gateway;
using Beadhub.Mail;

namespace Beadhub.Hosting.EventLogs;

/// <summary>What projects take in the log.</summary>
internal sealed class ProjectSizes(DurableEventLog log) : IProjectSizes
{
    private static readonly string[] MailTypes = [.. EventTypes.NamesOf<MailDelivered>(), .. EventTypes.NamesOf<ChatMessageSent>()];

    /// <inheritdoc/>
    public async ValueTask<ProjectHolding> Read(string project, long after)
    {
        var size = await log.SizeOf(project, after, MailTypes);
        return new(size.Position, size.Bytes, size.Counted);
    }
}
