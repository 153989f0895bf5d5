using Beadhub.ApiKeys;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway;

/// <summary><c>POST /v1/stream-tickets</c>: what a page in a browser opens an event stream with.</summary>
internal sealed class StreamTicket(StreamTickets tickets)
{
    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/stream-tickets", "streams", "Tickets for event streams")
            .Post("", "makeStreamTicket",
                "A ticket that opens event streams, and nothing else, for half a minute: send it as the query parameter ticket, "
                + "where no header can be sent")
            .Needs(Caller.KeyReader).Fails(501).AnswersKey()
            .Answers(Wire.Types.StreamTicketAnswer),
        routes.Make<StreamTicket>().Make);

    private Task<StreamTicketAnswer> Make(KeyAgent caller, HttpContext http)
    {
        var header = http.Request.Headers.Authorization.ToString();
        var (ticket, end) = tickets.Make(IApiKeyGrain.Key(header.AsSpan(BearerKeys.Scheme.Length)));
        return Task.FromResult(new StreamTicketAnswer(ticket, end));
    }
}

/// <summary>A ticket, shown here and never again.</summary>
/// <param name="Ticket">The ticket.</param>
/// <param name="ExpiresAt">Until when it opens a stream; one that is open goes on.</param>
internal sealed record StreamTicketAnswer(string Ticket, DateTimeOffset ExpiresAt);
