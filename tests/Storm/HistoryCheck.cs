using System.Diagnostics;

namespace Beadhub.Storm;

/// <summary>Compares what was acknowledged with what came of it. Pure: finds violations, one line each, in a history and its
/// ending.</summary>
public static class HistoryCheck
{
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(2);

    /// <summary>All violations; none when everything acknowledged is there, once, and nothing had two holders.</summary>
    public static IReadOnlyList<string> Violations(History history, Ending ending) =>
        [.. Lost(history, ending), .. Shared(history), .. NotHeld(history, ending), .. Misdelivered(history, ending),
            .. Misheard(history, ending), .. StaleReads(history)];

    private static IEnumerable<string> Lost(History history, Ending ending) =>
        history.Synced.Where(made => !ending.Beads.Contains(made.Bead))
            .Select(made => $"bead {made.Bead}: its sync was acknowledged, and it is gone");

    /// <summary>
    /// Readings of a state older than what was acknowledged before they were asked for: what was held all the while is not shown, or what
    /// was given back before, or was not even asked for yet, is; what was made or had arrived before is missing.
    /// </summary>
    public static IEnumerable<string> StaleReads(History history)
    {
        var holdings = history.Holdings.ToLookup(holding => (holding.Kind, holding.Thing));
        var made = history.Synced.ToDictionary(one => one.Bead, one => one.At);
        var mails = history.Sendings.Where(sending => sending.Kind == "mail" && sending.IsAcknowledged).ToLookup(sending => sending.To);
        foreach (var reading in history.Readings)
        {
            switch (reading.Kind)
            {
                case "made":
                    if (reading.Shown.Count == 0 && made.TryGetValue(reading.Thing, out var at) && at < reading.Began)
                        yield return $"stale read: {reading.Thing} was made before, and is not there";
                    break;
                case "mail":
                    var arrived = mails[reading.Thing].Where(sending => sending.AcknowledgedAt < reading.Began
                        && Stopwatch.GetElapsedTime(sending.AcknowledgedAt, reading.Began) < Recent).ToList();
                    // An inbox that is full of what came later need not show it.
                    foreach (var sending in arrived.Where(sending => !reading.Shown.Contains(sending.Text)
                        && reading.Shown.Count < Reading.MostMails))
                        yield return $"stale read: mail {sending.Text} to {sending.To} had arrived before, and is not in the inbox";
                    break;
                default:
                    var known = holdings[(reading.Kind, reading.Thing)];
                    foreach (var held in known)
                        if (held.IsCertain && held.From < reading.Began && held.Until > reading.Ended
                            && !reading.Shown.Contains(held.Holder))
                            yield return
                                $"stale read: {reading.Kind} {reading.Thing} was {held.Holder}'s all the while, and is not shown so";
                    foreach (var holder in reading.Shown)
                        if (!known.Concat(holdings[(reading.Kind, Holding.Any)]).Any(held =>
                            held.Holder == holder && held.Asked <= reading.Ended && held.GivenBack >= reading.Began))
                            yield return $"stale read: {reading.Kind} {reading.Thing} is shown as {holder}'s, who had given it back";
                    break;
            }
        }
    }

    /// <summary>Two who for certain held one thing at the same time.</summary>
    private static IEnumerable<string> Shared(History history)
    {
        foreach (var thing in history.Holdings.GroupBy(holding => (holding.Kind, holding.Thing)))
        {
            Holding? longest = null;
            foreach (var holding in thing.OrderBy(holding => holding.From))
            {
                if (longest is not null && holding.Holder != longest.Holder && holding.From < longest.Until)
                    yield return $"{thing.Key.Kind} {thing.Key.Thing}: {longest.Holder} and {holding.Holder} had it at once";
                if (longest is null || holding.Until > longest.Until) longest = holding;
            }
        }
    }

    /// <summary>What somebody never began to give back is theirs at the end, and theirs alone.</summary>
    private static IEnumerable<string> NotHeld(History history, Ending ending)
    {
        foreach (var holding in history.Holdings.Where(holding => holding.IsCertain && holding.Until == long.MaxValue))
        {
            var holders = ending.Holders.GetValueOrDefault((holding.Kind, holding.Thing), []);
            if (holders is not [var only] || only != holding.Holder)
                yield return $"{holding.Kind} {holding.Thing}: {holding.Holder} never gave it back, and at the end it is held by "
                    + $"{(holders.Count == 0 ? "nobody" : string.Join(" and ", holders))}";
        }
    }

    private static IEnumerable<string> Misdelivered(History history, Ending ending)
    {
        var sent = history.Sendings.GroupBy(sending => (sending.Kind, sending.To))
            .ToDictionary(to => to.Key, to => to.ToDictionary(sending => sending.Text));
        foreach (var ((kind, to), texts) in ending.Texts)
        {
            foreach (var text in texts.GroupBy(text => text))
            {
                if (text.Count() > 1) yield return $"{kind} {text.Key} to {to} arrived {text.Count()} times";
                if (!sent.TryGetValue((kind, to), out var known) || !known.ContainsKey(text.Key))
                    yield return $"{kind} {text.Key} to {to} arrived, and nobody sent it";
            }
        }

        foreach (var sending in history.Sendings.Where(sending => sending.IsAcknowledged))
            if (!ending.Texts.GetValueOrDefault((sending.Kind, sending.To), []).Contains(sending.Text))
                yield return $"{sending.Kind} {sending.Text} to {sending.To} was acknowledged, and did not arrive";
    }

    /// <summary>A listener sees each position of its feed once and in order, whatever connections it lost.</summary>
    private static IEnumerable<string> Misheard(History history, Ending ending)
    {
        foreach (var listening in history.Listenings)
        {
            var expected = ending.Feeds.GetValueOrDefault(listening.Feed, []).Where(position => position > listening.After).ToList();
            if (listening.Positions.SequenceEqual(expected)) continue;
            for (var i = 1; i < listening.Positions.Count; i++)
                if (listening.Positions[i] <= listening.Positions[i - 1])
                    yield return $"listener {listening.Name} saw {listening.Positions[i]} after {listening.Positions[i - 1]}";
            foreach (var missed in expected.Except(listening.Positions)) yield return $"listener {listening.Name} missed {missed}";
            foreach (var made in listening.Positions.Except(expected))
                yield return $"listener {listening.Name} saw {made}, which the feed does not have";
        }
    }
}
