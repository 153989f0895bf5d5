using Beadhub.Gateway.Http;
using Beadhub.Mail;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// Sends mail, whichever door it comes through: counts it, signs it for a sender whose key the server keeps, delivers it, and notes that its sender knows the
/// recipient's key.
/// </summary>
internal sealed class MailSending(IGrainFactory grains, MailRate rate, TimeProvider time)
{
    /// <summary>Sends one mail.</summary>
    /// <param name="http">The request, from which the mail's id follows.</param>
    /// <param name="projectId">The project.</param>
    /// <param name="sender">Sender, a living agent.</param>
    /// <param name="recipient">Recipient, a living agent of the project.</param>
    /// <param name="mail">What is sent.</param>
    /// <exception cref="ApiException">429 when the sender has sent too much.</exception>
    public async Task<MailReceipt> Send(HttpContext http, string projectId, AgentIdentity sender, AgentIdentity recipient, OutgoingMail mail)
    {
        rate.Take(sender.AgentId);
        var project = grains.GetGrain<IProjectGrain>(projectId);
        var (id, sentAt, signature) = (mail.SignedId ?? http.NewId(mail.What), mail.SignedAt, mail.Signature);
        if (sentAt is null && sender.Custody == Custodies.Custodial)
        {
            var now = time.GetUtcNow();
            var to = Addresses.Of((await project.Describe())?.Slug ?? "", recipient.Alias);
            if (await project.Sign(new(sender.AgentId, "mail", to, recipient.Did, recipient.StableId, mail.Subject, mail.Text, SecondsTime.Text(now), id)) is { } made)
                (sentAt, signature) = (now.AddTicks(-(now.Ticks % TimeSpan.TicksPerSecond)), made);
        }

        var receipt = await grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(projectId, recipient.AgentId)).Deliver(new(
            id, sender.AgentId, sender.Alias, recipient.Alias, mail.Subject, mail.Text, mail.Priority, mail.ThreadId, sentAt, signature, mail.IsSilent, http.MayRepeat()));
        await KnowRotation(project, sender, recipient);
        return receipt;
    }

    /// <summary>Who writes to an agent knows its key: it is not told of the earliest change any more (protocol 12.7).</summary>
    private static async ValueTask KnowRotation(IProjectGrain project, AgentIdentity sender, AgentIdentity recipient)
    {
        try
        {
            if (!(await project.RotationsFor(sender.AgentId)).IsEmpty) await project.AcknowledgeRotation(recipient.AgentId, sender.AgentId);
        }
        catch (UnavailableException)
        {
            // The mail is delivered, and that is what the sender asks about; it is told of the change once more.
        }
    }
}

/// <summary>A mail to be sent. Its texts are checked.</summary>
/// <param name="What">Names it among all that one request creates.</param>
/// <param name="Subject">Subject; may be empty.</param>
/// <param name="Text">Text.</param>
/// <param name="Priority"><c>low</c>, <c>normal</c>, <c>high</c> or <c>urgent</c>.</param>
/// <param name="ThreadId">Thread, if any.</param>
/// <param name="IsSilent">Whether event streams keep silent about it.</param>
/// <param name="SignedId">The id that its sender has signed, if any.</param>
/// <param name="SignedAt">The time that its sender has signed, if any.</param>
/// <param name="Signature">What its sender has signed, if anything.</param>
internal sealed record OutgoingMail(
    string What,
    string Subject,
    string Text,
    string Priority,
    string? ThreadId,
    bool IsSilent = false,
    string? SignedId = null,
    DateTimeOffset? SignedAt = null,
    MessageSignature? Signature = null);
