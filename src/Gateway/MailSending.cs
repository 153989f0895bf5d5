using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Mail;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>Sends mail, whichever door it comes through: one question to the project, then the delivery.</summary>
internal sealed class MailSending(IGrainFactory grains, MailRate rate, IOutreach outreach, TimeProvider time)
{
    /// <summary>A mail with what the project says of its recipient.</summary>
    /// <param name="Sender">Sender.</param>
    /// <param name="Mail">The mail.</param>
    /// <param name="Id">Its id.</param>
    /// <param name="To">Whom it is for.</param>
    /// <param name="At">Its time.</param>
    internal sealed record AddressedMail(Actor Sender, OutgoingMail Mail, string Id, Addressed To, DateTimeOffset At);

    /// <summary>Asks the project whom a mail is for; the project signs it for a sender whose key the server keeps (protocol
    /// 12.5).</summary>
    /// <param name="http">The request, from which the mail's id follows.</param>
    /// <param name="sender">Sender.</param>
    /// <param name="mail">What is to be sent.</param>
    public async ValueTask<AddressedMail> Address(HttpContext http, Actor sender, OutgoingMail mail)
    {
        var (id, now) = (mail.SignedId ?? http.NewId(mail.What), time.GetUtcNow());
        var toSign = mail.SignedId is null && sender.Agent.Custody == Custodies.Custodial
            ? new UnsignedMail(id, mail.Subject, mail.Text, now) : null;
        return new(sender, mail, id, await Project(sender).Address(new(sender.Id, mail.ToAgentId, mail.ToAlias, toSign)), now);
    }

    /// <summary>Delivers a mail to its recipient, a living agent.</summary>
    /// <param name="mail">The mail.</param>
    /// <param name="signedAt">The time that its sender has signed, if any.</param>
    /// <param name="signature">What its sender has signed, if anything.</param>
    /// <exception cref="ApiException">429 when the sender has sent too much.</exception>
    public async Task<MailReceipt> Send(AddressedMail mail, DateTimeOffset? signedAt = null, MessageSignature? signature = null)
    {
        var (sender, (what, recipient)) = (mail.Sender, (mail.Mail, mail.To.Recipient!));
        await rate.Take(sender.Id);
        // What the server has signed holds whole seconds.
        if (mail.To.Signature is { } made) (signature, signedAt) = (made, mail.At.AddTicks(-(mail.At.Ticks % TimeSpan.TicksPerSecond)));
        var receipt = await grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(sender.ProjectId, recipient.AgentId)).Deliver(new(
            mail.Id, sender.Id, sender.Alias, recipient.Alias, what.Subject, what.Text, what.Priority, what.ThreadId, signedAt, signature,
            what.IsSilent));
        if (recipient.AgentType == IOutreach.Human) outreach.Wake(sender.ProjectId);
        if (mail.To.HasRotated) await AcknowledgeRotation(sender, recipient);
        return receipt;
    }

    private async Task AcknowledgeRotation(Actor sender, AgentIdentity recipient)
    {
        try
        {
            await Project(sender).AcknowledgeRotation(recipient.AgentId, sender.Id);
        }
        catch (UnavailableException)
        {
            // The mail is delivered, and that is what the sender asks about; it is told of the change once more.
        }
    }

    private IProjectGrain Project(Actor sender) => grains.GetGrain<IProjectGrain>(sender.ProjectId);
}

/// <summary>A mail to be sent. Its texts are checked.</summary>
/// <param name="What">Names it among all that one request creates.</param>
/// <param name="ToAgentId">Recipient's id; goes before the alias.</param>
/// <param name="ToAlias">Recipient's alias.</param>
/// <param name="Subject">Subject; may be empty.</param>
/// <param name="Text">Text.</param>
/// <param name="Priority"><c>low</c>, <c>normal</c>, <c>high</c> or <c>urgent</c>.</param>
/// <param name="ThreadId">Thread, if any.</param>
/// <param name="IsSilent">Whether event streams keep silent about it.</param>
/// <param name="SignedId">The id that its sender has signed; null when its sender has signed nothing.</param>
internal sealed record OutgoingMail(
    string What,
    string? ToAgentId,
    string? ToAlias,
    string Subject,
    string Text,
    string Priority,
    string? ThreadId,
    bool IsSilent = false,
    string? SignedId = null);
